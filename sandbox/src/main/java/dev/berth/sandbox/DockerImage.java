package dev.berth.sandbox;

import java.util.List;

/**
 * An image that workers can run in.
 *
 * @param id its digest
 * @param environment names of the variables it sets
 * @param volumes folders that a container of it would have volumes of its own for
 * @param python the interpreter in it; the path is one inside the image
 */
record DockerImage(
    String id, List<String> environment, List<String> volumes, PythonInterpreter python) {}
