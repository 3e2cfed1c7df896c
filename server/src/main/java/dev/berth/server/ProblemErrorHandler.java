package dev.berth.server;

import dev.berth.api.ErrorCode;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.io.QuietException;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says as a problem what the HTTP layer itself finds wrong, before or beside any route. */
final class ProblemErrorHandler implements Request.Handler {
  private static final Logger LOG = LoggerFactory.getLogger(ProblemErrorHandler.class);

  private final Gate gate;

  /** The gate names the requests that never came to it, too. */
  ProblemErrorHandler(Gate gate) {
    this.gate = gate;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    Object cause = request.getAttribute(ErrorHandler.ERROR_EXCEPTION);
    int status = cause instanceof HttpException http ? http.getCode() : response.getStatus();
    boolean quiet = cause instanceof QuietException; // above all: the client has gone
    String id = gate.introduce(request, response);
    Problem problem = problem(status);
    if (problem.status() == 500 && !quiet) {
      LOG.error(
          "request {} {} failed with status {}",
          id,
          request.getMethod(),
          status,
          cause instanceof Throwable failure ? failure : null);
    }
    problem.send(response, callback);
    return true;
  }

  private static Problem problem(int status) {
    return switch (status) {
      case 404 -> Problem.of(ErrorCode.NOT_FOUND, "There is nothing here.");
      case 408 ->
          Problem.of(ErrorCode.REQUEST_TIMEOUT, "The request came too slowly; send it in one go.");
      case 413 -> Problem.of(ErrorCode.BODY_TOO_LARGE, "The body is too large.");
      case 414, 431 ->
          Problem.ofStatus(status, ErrorCode.HEADERS_TOO_LARGE, "The head is too large.");
      case 501 ->
          Problem.ofStatus(
              status, ErrorCode.NOT_IMPLEMENTED, "This server has nothing of that kind.");
      case 505 ->
          Problem.ofStatus(status, ErrorCode.BAD_REQUEST, "This server speaks HTTP/1.1 only.");
      case 503 -> Problem.of(ErrorCode.SHUTTING_DOWN, "This server is shutting down.");
      default ->
          status >= 400 && status < 500
              ? Problem.ofStatus(status, ErrorCode.BAD_REQUEST, "This is not a valid HTTP request.")
              : Problem.of(ErrorCode.INTERNAL, "");
    };
  }
}
