# shellcheck shell=bash
# Sourced: finds a JDK 25 by the release file of each installed one and exports JAVA_HOME.
berth_find_jdk() {
  local home
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/* "$HOME"/.sdkman/candidates/java/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if [ -x "$home/bin/javac" ] && grep -qs '^JAVA_VERSION="25[."]' "$home/release"; then
      JAVA_HOME=$home
      export JAVA_HOME
      return 0
    fi
  done
  echo "berth: no JDK 25 found in JAVA_HOME, /usr/lib/jvm or /opt. Install one (Debian: temurin-25-jdk) or set JAVA_HOME." >&2
  return 1
}
berth_find_jdk
