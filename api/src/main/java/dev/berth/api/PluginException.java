package dev.berth.api;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The one exception of Berth. Its message says which plugin, what went wrong and the remedy.
 *
 * <p>{@link #details()} holds what a program may want of it: strings, numbers, booleans, lists and
 * maps of these, keyed by stable names.
 */
public final class PluginException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;
  private final transient Map<String, Object> details;

  public PluginException(ErrorCode code, String message) {
    this(code, message, Map.of(), null);
  }

  public PluginException(ErrorCode code, String message, @Nullable Throwable cause) {
    this(code, message, Map.of(), cause);
  }

  public PluginException(
      ErrorCode code, String message, Map<String, Object> details, @Nullable Throwable cause) {
    // Failures of calls are answers, made by the thousand under attack: a stack trace is kept only
    // where there is something to look into.
    super(message, cause, false, code == ErrorCode.INTERNAL);
    this.code = code;
    this.details = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(details));
  }

  public ErrorCode code() {
    return code;
  }

  public Map<String, Object> details() {
    return details == null ? Map.of() : details;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
