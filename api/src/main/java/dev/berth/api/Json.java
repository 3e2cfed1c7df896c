package dev.berth.api;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One JSON value as UTF-8 bytes that {@link JsonScanner} let through: checked once, then passed on
 * unparsed. Immutable as long as nobody writes to the array it was made from.
 */
public final class Json {
  /** {@code null}. */
  public static final Json NULL = of("null");

  /** An object without members. */
  public static final Json EMPTY_OBJECT = of("{}");

  private final byte[] bytes;
  private final int offset;
  private final int length;

  private Json(byte[] bytes, int offset, int length) {
    this.bytes = bytes;
    this.offset = offset;
    this.length = length;
  }

  /**
   * The value that {@code text} is, white space around it left out.
   *
   * @throws PluginException {@code invalid_json}
   */
  public static Json of(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return of(bytes, 0, bytes.length);
  }

  /**
   * The value that stands in {@code [from, to)} of {@code bytes}, without copying it.
   *
   * @throws PluginException {@code invalid_json}
   */
  public static Json of(byte[] bytes, int from, int to) {
    int start = JsonScanner.skipWhitespace(bytes, from, to);
    int end = JsonScanner.skipValue(bytes, start, to);
    int rest = JsonScanner.skipWhitespace(bytes, end, to);
    if (rest != to) {
      throw new PluginException(
          ErrorCode.INVALID_JSON, "Not valid JSON at byte " + rest + ": more after the value.");
    }
    return new Json(bytes, start, end - start);
  }

  /**
   * The value at {@code [from, to)} of {@code bytes}, which the caller has just had {@link
   * JsonScanner#skipValue} go over, without white space around it.
   */
  public static Json scanned(byte[] bytes, int from, int to) {
    return new Json(bytes, from, to - from);
  }

  /** Its length in bytes. */
  public int length() {
    return length;
  }

  public boolean isObject() {
    return length > 0 && bytes[offset] == '{';
  }

  /** Appends its bytes. */
  public void writeTo(ByteBuffer target) {
    target.put(bytes, offset, length);
  }

  /** A read-only view of its bytes. */
  public ByteBuffer asByteBuffer() {
    return ByteBuffer.wrap(bytes, offset, length).slice().asReadOnlyBuffer();
  }

  public byte[] toByteArray() {
    return Arrays.copyOfRange(bytes, offset, offset + length);
  }

  /** Its text. */
  @Override
  public String toString() {
    return new String(bytes, offset, length, StandardCharsets.UTF_8);
  }

  /** Same bytes; {@code {"a":1}} and {@code { "a": 1 }} differ. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Json that
        && Arrays.equals(
            bytes, offset, offset + length, that.bytes, that.offset, that.offset + that.length);
  }

  @Override
  public int hashCode() {
    return asByteBuffer().hashCode();
  }
}
