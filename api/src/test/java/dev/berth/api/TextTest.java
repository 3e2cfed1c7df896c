package dev.berth.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TextTest {
  @Test
  void what_moves_a_cursor_or_forges_a_line_is_escaped() {
    assertThat(Text.printable("a\u001b[2Jb\nc\u202ed\u0085", 100))
        .isEqualTo("a\\u001b[2Jb\\u000ac\\u202ed\\u0085");
  }

  @Test
  void letters_of_every_plane_stay() {
    assertThat(Text.printable("Größe 山 \ud83c\udfb2", 100)).isEqualTo("Größe 山 \ud83c\udfb2");
  }

  @Test
  void half_a_pair_and_invisible_tags_are_escaped() {
    assertThat(Text.printable("\ud83c!", 100)).isEqualTo("\\ud83c!");
    assertThat(Text.printable("\udb40\udc41", 100)).isEqualTo("\\udb40\\udc41");
  }

  @Test
  void it_ends_at_the_limit() {
    assertThat(Text.printable("abcdef", 3)).isEqualTo("abc...");
    assertThat(Text.printable("abc", 3)).isEqualTo("abc");
  }
}
