package dev.berth.dist;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** Skipped without root; the value says why. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RootOnly.Condition.class)
@interface RootOnly {
  String value();

  /** Evaluates it. */
  final class Condition implements ExecutionCondition {
    static boolean isRoot() {
      return "root".equals(System.getProperty("user.name"));
    }

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      return AnnotationSupport.findAnnotation(context.getElement(), RootOnly.class)
          .filter(_ -> !isRoot())
          .map(only -> ConditionEvaluationResult.disabled(only.value()))
          .orElse(ConditionEvaluationResult.enabled("nothing here needs root, or it is root"));
    }
  }
}
