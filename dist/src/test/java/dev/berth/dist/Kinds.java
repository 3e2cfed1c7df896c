package dev.berth.dist;

import dev.berth.cli.Hosting;
import org.junit.jupiter.api.Assumptions;

/** The sandbox kinds that what is claimed of one is tested on. */
enum Kinds {
  PROCESS("process"),
  EXEC("process"),
  DOCKER("docker");

  private final String sandbox;

  Kinds(String sandbox) {
    this.sandbox = sandbox;
  }

  /** How to host plugins in it; skips the test, saying why, where it can't be had. */
  Hosting hosting() {
    if (this == DOCKER) {
      Assumptions.assumeTrue(
          DockerEngineHere.available(),
          "needs a Docker engine that has the image " + DockerEngineHere.IMAGE);
    }
    return Hosting.DEFAULT.withIsolation(
        new Hosting.Isolation(
            sandbox,
            false,
            this == EXEC ? "exec" : "zygote",
            this == DOCKER ? DockerEngineHere.IMAGE : "",
            "",
            false));
  }
}
