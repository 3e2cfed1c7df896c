package dev.berth.dist;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The arrows of docs/ARCHITECTURE.md, and no others. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.berth");

  @Test
  void api_depends_on_the_jdk_alone() {
    classes()
        .that()
        .resideInAPackage("dev.berth.api..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage("dev.berth.api..", "java..", "org.jspecify..")
        .check(CLASSES);
  }

  @Test
  void sandbox_and_channel_see_neither_each_other_nor_anything_above() {
    noClasses()
        .that()
        .resideInAPackage("dev.berth.sandbox..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.berth.channel..", "dev.berth.host..", "dev.berth.server..", "dev.berth.cli..")
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAPackage("dev.berth.channel..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "dev.berth.sandbox..", "dev.berth.host..", "dev.berth.server..", "dev.berth.cli..")
        .check(CLASSES);
  }

  @Test
  void server_and_cli_know_the_api_alone() {
    noClasses()
        .that()
        .resideInAnyPackage("dev.berth.server..", "dev.berth.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.berth.host..", "dev.berth.sandbox..", "dev.berth.channel..")
        .check(CLASSES);
  }

  @Test
  void inside_the_host_the_lifecycle_is_above_and_the_store_below() {
    noClasses()
        .that()
        .resideInAnyPackage("dev.berth.host.manifest..", "dev.berth.host.store..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.berth.host.lifecycle..", "dev.berth.host.install..")
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAPackage("dev.berth.host.install..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.berth.host.lifecycle..", "dev.berth.host.store..")
        .check(CLASSES);
    slices().matching("dev.berth.host.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void there_is_one_exception_that_leaves_a_room() {
    noClasses()
        .that()
        .resideInAPackage("dev.berth..")
        .and()
        .arePublic()
        .and()
        .doNotHaveFullyQualifiedName("dev.berth.api.PluginException")
        .should()
        .beAssignableTo(Throwable.class)
        .check(CLASSES);
  }
}
