package dev.berth.host.egress;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Reads the server name out of a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3), so
 * that a tunnel opened to one name is not used to reach another behind the same address.
 */
final class ServerName {
  /** What the first bytes of a tunnel are. */
  sealed interface Found {
    /** More bytes are needed to tell. */
    record Incomplete() implements Found {}

    /** Not TLS. */
    record NotTls() implements Found {}

    /** TLS, and not a ClientHello that can be read, and in one way only. */
    record Unreadable() implements Found {}

    /** A ClientHello; the name is empty when it has none. */
    record Hello(Optional<String> name) implements Found {}
  }

  private ServerName() {}

  /** Looks at the bytes between position and limit; moves neither. */
  static Found find(ByteBuffer bytes) {
    ByteBuffer in = bytes.duplicate();
    if (in.remaining() < 6) {
      return in.remaining() > 0 && in.get(in.position()) != 22
          ? new Found.NotTls()
          : new Found.Incomplete();
    }
    int type = in.get();
    int major = in.get();
    in.get();
    int length = in.getShort() & 0xffff;
    if (type != 22 || major != 3) {
      return new Found.NotTls();
    }
    if (in.remaining() < length) {
      return new Found.Incomplete();
    }
    try {
      ByteBuffer hello = in.slice(in.position(), length);
      // A hello over several records is legal and nobody sends one; its name could be in the part
      // that is still to come.
      int kindAndLength = hello.getInt(0);
      if (kindAndLength >>> 24 != 1 || (kindAndLength & 0xffffff) != length - 4) {
        return new Found.Unreadable();
      }
      return new Found.Hello(name(hello));
    } catch (BufferUnderflowException | IllegalArgumentException | IndexOutOfBoundsException _) {
      return new Found.Unreadable();
    }
  }

  private static Optional<String> name(ByteBuffer hello) {
    skip(hello, 4 + 2 + 32);
    skip(hello, hello.get() & 0xff);
    skip(hello, hello.getShort() & 0xffff);
    skip(hello, hello.get() & 0xff);
    if (!hello.hasRemaining()) {
      return Optional.empty();
    }
    check((hello.getShort() & 0xffff) == hello.remaining());
    Optional<String> name = Optional.empty();
    while (hello.hasRemaining()) {
      int extension = hello.getShort() & 0xffff;
      int size = hello.getShort() & 0xffff;
      if (extension == 0) {
        check(name.isEmpty());
        name = Optional.of(onlyName(hello.slice(hello.position(), size)));
      }
      skip(hello, size);
    }
    return name;
  }

  /**
   * The name in a list of server names that has one entry, of type host_name. A server may take any
   * of several, or one of a type unknown here.
   */
  private static String onlyName(ByteBuffer list) {
    check((list.getShort() & 0xffff) == list.remaining() && list.get() == 0);
    byte[] name = new byte[list.getShort() & 0xffff];
    check(name.length == list.remaining());
    list.get(name);
    return new String(name, StandardCharsets.US_ASCII);
  }

  private static void check(boolean asItShould) {
    if (!asItShould) {
      throw new IllegalArgumentException("not a ClientHello of this form");
    }
  }

  private static void skip(ByteBuffer buffer, int count) {
    buffer.position(buffer.position() + count);
  }
}
