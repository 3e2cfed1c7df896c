package dev.berth.host.install;

/**
 * A file of a package.
 *
 * @param size in bytes
 * @param sha256 of its bytes, 64 hexadecimal digits
 */
record PackedFile(long size, String sha256) {}
