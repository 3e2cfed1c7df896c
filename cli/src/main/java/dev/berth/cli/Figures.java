package dev.berth.cli;

import java.util.Locale;

/** Figures with their units, as a person reads them: three digits at most. */
final class Figures {
  private Figures() {}

  static String number(double value) {
    return String.format(Locale.ROOT, value >= 9.95 ? "%.0f" : "%.1f", value);
  }

  /** {@code 12 MiB}, or GiB from 1024 of them. */
  static String mebibytes(double mib) {
    return mib >= 1024 ? number(mib / 1024) + " GiB" : number(mib) + " MiB";
  }

  /** {@code 0.3 ms}, or seconds from 1000 of them; 0 stands for no time taken yet. */
  static String time(double millis) {
    if (millis <= 0) {
      return "-";
    }
    return millis >= 1000 ? number(millis / 1000) + " s" : number(millis) + " ms";
  }
}
