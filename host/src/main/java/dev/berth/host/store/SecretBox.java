package dev.berth.host.store;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.InsecureSecretKeyAccess;
import com.google.crypto.tink.KeysetHandle;
import com.google.crypto.tink.RegistryConfiguration;
import com.google.crypto.tink.TinkJsonProtoKeysetFormat;
import com.google.crypto.tink.aead.AeadConfig;
import com.google.crypto.tink.aead.PredefinedAeadParameters;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Encrypts secrets with the key in {@code <data>/keys/secrets.json}, AES-256-GCM by Tink, each
 * bound to the place it is stored at. The file is a Tink keyset, so a key can be replaced while
 * what the old one encrypted stays readable.
 */
final class SecretBox {
  private static final Set<PosixFilePermission> OWNER_FILE =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> OWNER_FOLDER =
      PosixFilePermissions.fromString("rwx------");

  private final Path keyFile;
  private @Nullable Aead loaded;

  SecretBox(Path keyFile) {
    this.keyFile = keyFile;
  }

  /** Whether a key would have to be made before anything can be sealed. */
  synchronized boolean hasNoKey() {
    return loaded == null && Files.notExists(keyFile);
  }

  /**
   * Encrypts {@code text} for {@code place} into base 64, making a key if there is none.
   *
   * @throws PluginException {@code store_corrupt} when the key file is not one
   */
  synchronized String seal(String text, String place) {
    try {
      Aead aead = hasNoKey() ? makeKey() : key();
      return Base64.getEncoder()
          .encodeToString(
              aead.encrypt(
                  text.getBytes(StandardCharsets.UTF_8), place.getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException e) {
      throw lost("this host's plugins", "is not a readable key file", e);
    }
  }

  /**
   * Decrypts what was sealed for {@code place}.
   *
   * @throws PluginException {@code store_corrupt} when there is no key, or not the right one, or
   *     {@code sealed} was stored at another place
   */
  synchronized String open(String sealed, String place, String owner) {
    if (hasNoKey()) {
      throw lost(owner, "is missing", null);
    }
    try {
      return new String(
          key().decrypt(Base64.getDecoder().decode(sealed), place.getBytes(StandardCharsets.UTF_8)),
          StandardCharsets.UTF_8);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw lost(owner, "does not fit them", e);
    }
  }

  /** The key that {@code owner}'s secrets need is not to be had. */
  PluginException lost(String owner, String why, @Nullable Throwable cause) {
    return new PluginException(
        ErrorCode.STORE_CORRUPT,
        "The secrets of "
            + owner
            + " can't be used: the key file "
            + keyFile
            + " "
            + why
            + ". Put back the key file that belongs to this database and restart. If it is lost,"
            + " so are the secrets: uninstall the plugins that have some, and install them anew.",
        cause);
  }

  private Aead key() throws GeneralSecurityException {
    if (loaded == null) {
      AeadConfig.register();
      try {
        if (!Files.getPosixFilePermissions(keyFile).equals(OWNER_FILE)) {
          Files.setPosixFilePermissions(keyFile, OWNER_FILE);
        }
        loaded =
            aead(
                TinkJsonProtoKeysetFormat.parseKeyset(
                    Files.readString(keyFile),
                    RegistryConfiguration.get(),
                    InsecureSecretKeyAccess.get()));
      } catch (IOException e) {
        throw StoreFailure.of(keyFile, e);
      }
    }
    return loaded;
  }

  private Aead makeKey() throws GeneralSecurityException {
    AeadConfig.register();
    KeysetHandle handle =
        KeysetHandle.generateNew(PredefinedAeadParameters.AES256_GCM, RegistryConfiguration.get());
    String text =
        TinkJsonProtoKeysetFormat.serializeKeyset(
            handle, RegistryConfiguration.get(), InsecureSecretKeyAccess.get());
    try {
      Path folder = keyFile.toAbsolutePath().getParent();
      Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(OWNER_FOLDER));
      Files.setPosixFilePermissions(folder, OWNER_FOLDER);
      AtomicFile.write(keyFile, text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw StoreFailure.of(keyFile, e);
    }
    loaded = aead(handle);
    return loaded;
  }

  private static Aead aead(KeysetHandle handle) throws GeneralSecurityException {
    return handle.getPrimitive(RegistryConfiguration.get(), Aead.class);
  }
}
