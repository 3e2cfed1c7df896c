package dev.berth.server;

import java.nio.ByteBuffer;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.util.Callback;

/**
 * Lets a connection wait for its next request after an answer that came from outside the request's
 * own turn. Jetty would try to read at once, which finds nothing unless the client pipelines: a
 * system call for each call to a plugin, 7 % of what one costs here. The price is that the
 * connection keeps its input buffer of 8 KiB until the next request or the end of the idle time.
 */
record Resumption(AbstractConnection connection) implements Callback {
  /**
   * Waits, if that is all there is to do.
   *
   * @return whether it waits; else the connection must be run
   */
  static boolean await(Runnable task) {
    if (!(task instanceof AbstractConnection connection)
        || !(task instanceof Connection.UpgradeFrom reader)
        || !(task instanceof Connection.UpgradeTo writer)
        || !connection.getEndPoint().isOpen()
        || !connection.equals(connection.getEndPoint().getConnection())) {
      return false;
    }
    ByteBuffer early = reader.onUpgradeFrom();
    if (early != null) {
      writer.onUpgradeTo(early);
      return false;
    }
    connection.fillInterested(new Resumption(connection));
    return true;
  }

  @Override
  public void succeeded() {
    connection.onFillable();
  }

  /** Has the connection give its buffer back, by reading, before it is told what was to be told. */
  @Override
  public void failed(Throwable why) {
    connection.onFillable();
    if (connection.getEndPoint() instanceof AbstractEndPoint endPoint) {
      endPoint.getFillInterest().onFail(why);
    }
  }

  @Override
  public InvocationType getInvocationType() {
    return InvocationType.NON_BLOCKING;
  }
}
