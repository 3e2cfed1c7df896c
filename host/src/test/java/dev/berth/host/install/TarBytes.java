package dev.berth.host.install;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;

/** Writes tars byte by byte, the wrong ones too. */
final class TarBytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  TarBytes file(String name, String content) {
    return file(name, content.getBytes(StandardCharsets.UTF_8));
  }

  TarBytes file(String name, byte[] content) {
    return entry('0', name, content.length, "", content);
  }

  TarBytes folder(String name) {
    return entry('5', name, 0, "", new byte[0]);
  }

  TarBytes link(char type, String name, String target) {
    return entry(type, name, 0, target, new byte[0]);
  }

  /** {@code records} as KEY=VALUE. */
  TarBytes pax(char type, String... records) {
    var data = new ByteArrayOutputStream();
    for (String record : records) {
      byte[] bytes = (" " + record + "\n").getBytes(StandardCharsets.UTF_8);
      int length = bytes.length + 1;
      while (String.valueOf(length).length() + bytes.length != length) {
        length++;
      }
      data.writeBytes(String.valueOf(length).getBytes(StandardCharsets.UTF_8));
      data.writeBytes(bytes);
    }
    return entry(type, "PaxHeader", data.size(), "", data.toByteArray());
  }

  TarBytes longName(String name) {
    byte[] bytes = (name + "\0").getBytes(StandardCharsets.UTF_8);
    return entry('L', "././@LongLink", bytes.length, "", bytes);
  }

  TarBytes entry(char type, String name, long size, String link, byte[] body) {
    byte[] header = header(type, name.getBytes(StandardCharsets.UTF_8), size, link);
    out.writeBytes(header);
    return raw(body).raw(new byte[(512 - body.length % 512) % 512]);
  }

  TarBytes raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  static byte[] header(char type, byte[] name, long size, String link) {
    byte[] header = new byte[512];
    System.arraycopy(name, 0, header, 0, Math.min(100, name.length));
    put(header, 100, "0000644\0");
    put(header, 108, "0000000\0");
    put(header, 116, "0000000\0");
    put(header, 124, String.format("%011o\0", size));
    put(header, 136, "00000000000\0");
    put(header, 156, String.valueOf(type));
    put(header, 157, link);
    put(header, 257, "ustar\00000");
    return sum(header);
  }

  /** {@code header} with its checksum set right. */
  static byte[] sum(byte[] header) {
    put(header, 148, "        ");
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xff;
    }
    put(header, 148, String.format("%06o\0 ", sum));
    return header;
  }

  private static void put(byte[] header, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    System.arraycopy(bytes, 0, header, at, bytes.length);
  }

  byte[] tar() {
    var whole = new ByteArrayOutputStream();
    whole.writeBytes(out.toByteArray());
    whole.writeBytes(new byte[1024]);
    return whole.toByteArray();
  }

  byte[] tarGz() {
    return gzip(tar());
  }

  static byte[] gzip(byte[] bytes) {
    var packed = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(packed)) {
      gzip.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return packed.toByteArray();
  }
}
