package dev.berth.dist;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Gives classes of before Java 6 the stack maps that later ones have (JVMS 4.7.4), in a jar. Only
 * those can be kept linked in an AOT cache: the others are read and verified anew, the slow way, by
 * every process. What they do stays the same.
 */
public final class OldClasses {
  /** The first version whose classes have stack maps. */
  private static final int JAVA_6 = ClassFile.JAVA_6_VERSION;

  private OldClasses() {}

  /**
   * Looks at jars.
   *
   * @param jars their paths; one that has such classes is replaced, as a whole or not at all
   * @throws IOException when one can't be read or written
   */
  public static void main(String[] jars) throws IOException {
    for (String jar : jars) {
      renew(Path.of(jar).toAbsolutePath());
    }
  }

  private static void renew(Path jar) throws IOException {
    Path renewed = Files.createTempFile(jar.getParent(), "renewed", ".tmp");
    boolean changed;
    try {
      Files.copy(jar, renewed, StandardCopyOption.REPLACE_EXISTING);
      URI zip = URI.create("jar:" + renewed.toUri());
      try (var loader = new URLClassLoader(new URL[] {jar.toUri().toURL()});
          FileSystem inside = FileSystems.newFileSystem(zip, Map.of())) {
        changed = renew(inside, loader);
      }
      if (changed) {
        Files.setPosixFilePermissions(renewed, Files.getPosixFilePermissions(jar));
        Files.move(renewed, jar, StandardCopyOption.ATOMIC_MOVE);
      }
    } finally {
      Files.deleteIfExists(renewed);
    }
  }

  private static boolean renew(FileSystem jar, ClassLoader loader) throws IOException {
    var classFile =
        ClassFile.of(
            ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
            ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(loader)));
    List<Path> classes;
    try (Stream<Path> all = Files.walk(jar.getPath("/"))) {
      classes = all.filter(path -> path.toString().endsWith(".class")).toList();
    }
    boolean changed = false;
    for (Path path : classes) {
      ClassModel model = classFile.parse(Files.readAllBytes(path));
      if (model.majorVersion() < JAVA_6) {
        Files.write(path, renewed(classFile, model));
        changed = true;
      }
    }
    return changed;
  }

  private static byte[] renewed(ClassFile classFile, ClassModel model) {
    ClassTransform version =
        (builder, element) -> {
          if (element instanceof ClassFileVersion) {
            builder.withVersion(JAVA_6, 0);
          } else {
            builder.with(element);
          }
        };
    return classFile.transformClass(
        model, version.andThen(ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)));
  }
}
