package dev.berth.host.manifest;

import dev.berth.api.Text;
import dev.berth.host.manifest.YamlNode.Entry;
import dev.berth.host.manifest.YamlNode.Mapping;
import dev.berth.host.manifest.YamlNode.Scalar;
import dev.berth.host.manifest.YamlNode.Sequence;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/**
 * One YAML document from a stranger, read from the parser's events. Nothing is constructed from
 * tags, nothing is expanded from aliases, and size and depth are bounded before anything is kept.
 */
final class StrictYaml {
  /** Longest file read, in bytes. */
  static final int MAX_BYTES = 64 << 10;

  private static final int MAX_DEPTH = 20;

  private final String text;
  private final Problems problems;
  private boolean unusable;

  private StrictYaml(String text, Problems problems) {
    this.text = text;
    this.problems = problems;
  }

  /** The document's top, or null when it has none or can't be used; {@code problems} tell which. */
  static @Nullable YamlNode read(byte[] bytes, Problems problems) {
    if (bytes.length > MAX_BYTES) {
      problems.add(
          Place.START,
          String.format(
              Locale.ROOT,
              "the file has more than %,d bytes, which is the most it may",
              MAX_BYTES));
      return null;
    }
    String text = decode(bytes, problems);
    return text == null ? null : new StrictYaml(text, problems).document();
  }

  private static @Nullable String decode(byte[] bytes, Problems problems) {
    if (startsWith(bytes, 0xef, 0xbb, 0xbf)) {
      problems.add(
          Place.START, "the file begins with a byte order mark; save it as UTF-8 without one");
      return null;
    }
    if (startsWith(bytes, 0xfe, 0xff) || startsWith(bytes, 0xff, 0xfe)) {
      problems.add(Place.START, "the file is UTF-16; save it as UTF-8 without a byte order mark");
      return null;
    }
    var decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    var chars = CharBuffer.allocate(bytes.length);
    boolean malformed = decoder.decode(ByteBuffer.wrap(bytes), chars, true).isError();
    String text = chars.flip().toString();
    if (malformed) {
      problems.add(Place.of(text, text.length()), "this byte is not UTF-8; save the file as UTF-8");
      return null;
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((Character.isISOControl(c) && c != '\n' && c != '\r' && c != '\t') || c == '\ufeff') {
        problems.add(
            Place.of(text, i),
            String.format(Locale.ROOT, "the character U+%04X may not stand in YAML", (int) c));
        return null;
      }
    }
    return text;
  }

  private static boolean startsWith(byte[] bytes, int... prefix) {
    for (int i = 0; i < prefix.length; i++) {
      if (i >= bytes.length || (bytes[i] & 0xff) != prefix[i]) {
        return false;
      }
    }
    return true;
  }

  private @Nullable YamlNode document() {
    var settings = LoadSettings.builder().setUseMarks(true).setCodePointLimit(MAX_BYTES).build();
    try {
      Iterator<Event> events = new ParserImpl(settings, new StreamReader(settings, text));
      YamlNode root = null;
      boolean seen = false;
      while (events.hasNext()) {
        Event event = events.next();
        switch (event.getEventId()) {
          case DocumentStart -> {
            if (seen) {
              problems.add(place(event), "a second document begins here; the file may have one");
              return null;
            }
            seen = true;
            checkDirectives((DocumentStartEvent) event);
            root = node(events.next(), events, 1);
          }
          case StreamStart, StreamEnd, DocumentEnd, Comment -> {}
          case Alias, Scalar, SequenceStart, SequenceEnd, MappingStart, MappingEnd ->
              throw new IllegalStateException("outside a document: " + event);
        }
      }
      return unusable ? null : root;
    } catch (TooDeep tooDeep) {
      problems.add(tooDeep.place, "nested more than " + MAX_DEPTH + " levels deep");
    } catch (MarkedYamlEngineException e) {
      Place place =
          e.getProblemMark().or(e::getContextMark).map(StrictYaml::place).orElse(Place.START);
      problems.add(place, explain(e, place));
    } catch (YamlEngineException e) {
      problems.add(
          Place.START, "not valid YAML: " + Text.printable(String.valueOf(e.getMessage()), 200));
    }
    return null;
  }

  private void checkDirectives(DocumentStartEvent start) {
    if (!start.getTags().isEmpty() || start.getSpecVersion().isPresent()) {
      problems.add(place(start), "directives (%YAML, %TAG) are not taken; leave them out");
    }
  }

  private YamlNode node(Event event, Iterator<Event> events, int depth) {
    Place place = place(event);
    if (depth > MAX_DEPTH) {
      throw new TooDeep(place);
    }
    if (event.getEventId() == Event.ID.Alias) {
      problems.add(place, "aliases (*name) are not taken; write the value out");
      unusable = true;
      return new Scalar(place, "", false);
    }
    if (event instanceof NodeEvent node && node.getAnchor().isPresent()) {
      problems.add(place, "anchors (&name) are not taken; leave it out");
    }
    Optional<String> tag =
        switch (event) {
          case ScalarEvent scalar -> scalar.getTag();
          case CollectionStartEvent collection -> collection.getTag();
          default -> Optional.empty();
        };
    if (tag.isPresent()) {
      problems.add(
          place, "tags (" + Text.printable(tag.get(), 80) + ") are not taken; leave it out");
    }
    return switch (event.getEventId()) {
      case Scalar -> {
        var scalar = (ScalarEvent) event;
        yield new Scalar(place, scalar.getValue(), scalar.isPlain() && tag.isEmpty());
      }
      case SequenceStart -> sequence(place, events, depth);
      case MappingStart -> mapping(place, events, depth);
      case StreamStart,
          StreamEnd,
          DocumentStart,
          DocumentEnd,
          SequenceEnd,
          MappingEnd,
          Alias,
          Comment ->
          throw new IllegalStateException("not a node: " + event);
    };
  }

  private Sequence sequence(Place place, Iterator<Event> events, int depth) {
    List<YamlNode> items = new ArrayList<>();
    for (Event next = events.next();
        next.getEventId() != Event.ID.SequenceEnd;
        next = events.next()) {
      items.add(node(next, events, depth + 1));
    }
    return new Sequence(place, items);
  }

  private Mapping mapping(Place place, Iterator<Event> events, int depth) {
    List<Entry> entries = new ArrayList<>();
    Map<String, Place> seen = new HashMap<>();
    for (Event next = events.next();
        next.getEventId() != Event.ID.MappingEnd;
        next = events.next()) {
      YamlNode key = node(next, events, depth + 1);
      YamlNode value = node(events.next(), events, depth + 1);
      if (!(key instanceof Scalar name)) {
        problems.add(key.place(), "expected a key, got " + key.describe());
        continue;
      }
      String shown = "\"" + Text.printable(name.text(), 60) + "\"";
      if (name.kind() != PlainScalar.TEXT) {
        problems.add(
            name.place(), "expected a key, got " + name.describe() + "; put quotes around it");
      }
      Place first = seen.putIfAbsent(name.text(), name.place());
      if (first == null) {
        entries.add(new Entry(name, value));
      } else {
        problems.add(
            name.place(), "the key " + shown + " is here twice, first in line " + first.line());
      }
    }
    return new Mapping(place, entries);
  }

  private String explain(MarkedYamlEngineException e, Place place) {
    String[] lines = text.split("\r\n|\r|\n", -1);
    String line = place.line() <= lines.length ? lines[place.line() - 1] : "";
    String indent = line.substring(0, line.length() - line.stripLeading().length());
    if (indent.indexOf('\t') >= 0) {
      return "a tab is used for indentation; YAML takes spaces only";
    }
    String context = e.getContext() == null ? "" : " (" + e.getContext() + ")";
    return "not valid YAML: " + Text.printable(e.getProblem() + context, 200);
  }

  private static Place place(Event event) {
    return event.getStartMark().map(StrictYaml::place).orElse(Place.START);
  }

  private static Place place(Mark mark) {
    return new Place(mark.getLine() + 1, mark.getColumn() + 1);
  }

  /** Ends the reading where a document nests too deep. */
  private static final class TooDeep extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Place place;

    TooDeep(Place place) {
      super("too deep", null, false, false);
      this.place = place;
    }
  }
}
