package dev.berth.server;

import dev.berth.api.ErrorCode;

/** The HTTP status that stands for each error code: the one table. */
final class HttpStatuses {
  private HttpStatuses() {}

  static int of(ErrorCode code) {
    return switch (code) {
      case BAD_REQUEST,
          INVALID_JSON,
          CONTEXT_INVALID,
          UNKNOWN_FIELD,
          BODY_INCOMPLETE,
          MULTIPART_MALFORMED ->
          400;
      case UNAUTHENTICATED -> 401;
      case FORBIDDEN, ORIGIN_NOT_ALLOWED, PERMISSION_DENIED -> 403;
      case NOT_FOUND, PLUGIN_NOT_FOUND -> 404;
      case METHOD_NOT_ALLOWED -> 405;
      case REQUEST_TIMEOUT -> 408;
      // The request is well formed; what stands in its way is the state of the plugin.
      case COMMAND_CONFLICT, CONFIG_MISSING, PLUGIN_EXISTS, PLUGIN_BUSY, PLUGIN_NOT_ENABLED -> 409;
      case BODY_TOO_LARGE, ARCHIVE_TOO_LARGE -> 413;
      case UNSUPPORTED_MEDIA_TYPE -> 415;
      case HOST_NOT_ALLOWED -> 421;
      // The request is well formed; what it carries is not.
      case ARCHIVE_UNSUPPORTED,
          ARCHIVE_MALFORMED,
          ARCHIVE_TOO_MANY_ENTRIES,
          ARCHIVE_TOO_DEEP,
          ARCHIVE_PATH_ESCAPE,
          ARCHIVE_BAD_NAME,
          ARCHIVE_LINK_NOT_ALLOWED,
          ARCHIVE_SPECIAL_FILE,
          ARCHIVE_OVERLAP,
          ARCHIVE_SPARSE,
          ARCHIVE_TIMEOUT,
          URL_NOT_ALLOWED,
          MANIFEST_MISSING,
          MANIFEST_INVALID,
          MANIFEST_UNKNOWN_FIELD,
          MANIFEST_BAD_ENTRY,
          PYTHON_VERSION_UNSUPPORTED,
          HOST_VERSION_UNSUPPORTED,
          IMAGE_NOT_ALLOWED,
          DEPENDENCY_INVALID,
          DEPENDENCY_UNRESOLVABLE,
          DEPENDENCY_NO_WHEEL,
          CONFIG_INVALID ->
          422;
      case HEADERS_TOO_LARGE -> 431;
      case STORE_CORRUPT, LISTEN_FAILED, INTERNAL -> 500;
      case NOT_IMPLEMENTED -> 501;
      // The plugin is to the host what a server behind it is to a gateway.
      case PLUGIN_SYNTAX_ERROR,
          PLUGIN_IMPORT_ERROR,
          PLUGIN_CLASS_MISSING,
          PLUGIN_START_FAILED,
          PLUGIN_ERROR,
          PLUGIN_BAD_RESULT,
          PLUGIN_RESULT_TOO_LARGE,
          PLUGIN_CRASHED,
          PLUGIN_PROTOCOL_ERROR ->
          502;
      // The last is a client's own word; it stands here so that every code has its place.
      case DEPENDENCY_INDEX_UNREACHABLE,
          DEPENDENCY_TOOL_MISSING,
          SANDBOX_UNAVAILABLE,
          SANDBOX_TOO_WEAK,
          PLUGIN_FAILED,
          PLUGIN_OVERLOADED,
          CANCELLED,
          STORE_UNAVAILABLE,
          UPLOADS_BUSY,
          STARTING,
          SHUTTING_DOWN,
          SERVER_UNREACHABLE ->
          503;
      case PLUGIN_START_TIMEOUT, PLUGIN_TIMEOUT -> 504;
      case DISK_FULL -> 507;
    };
  }
}
