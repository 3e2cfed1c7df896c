package dev.berth.host.install;

import dev.berth.api.Sha256;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A resolved set of wheels for one kind of interpreter.
 *
 * @param platform the interpreter's
 * @param pins by name
 */
record DependencyLock(String platform, List<Pin> pins) {
  /**
   * One project at one version.
   *
   * @param name normalized as by PEP 503
   * @param sha256 of the files that may be installed for it, in hexadecimal, sorted
   */
  record Pin(String name, String version, List<String> sha256) {
    Pin {
      sha256 = sha256.stream().distinct().sorted().toList();
    }

    String line() {
      return name
          + "=="
          + version
          + sha256.stream().map(hash -> " --hash=sha256:" + hash).collect(Collectors.joining());
    }
  }

  DependencyLock {
    pins = pins.stream().sorted(Comparator.comparing(Pin::name)).toList();
  }

  /** As a requirements file that pip and uv check hashes with. */
  String text() {
    return pins.stream().map(pin -> pin.line() + "\n").collect(Collectors.joining());
  }

  /** Each pin as a requirement. */
  List<DependencyRequirement> requirements() {
    return pins.stream()
        .map(pin -> new DependencyRequirement(pin.name() + "==" + pin.version(), pin.name()))
        .toList();
  }

  /** Names this set: SHA-256 over the text and the interpreter, 64 hexadecimal digits. */
  String hash() {
    return Sha256.hex("berth lock 1\n" + platform + "\n" + text());
  }
}
