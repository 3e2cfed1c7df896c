package dev.berth.server;

import io.javalin.http.Context;

/** Answers a request, on a virtual thread. */
@FunctionalInterface
interface RouteHandler {
  void handle(Context context, Backend backend) throws Exception;
}
