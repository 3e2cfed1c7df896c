package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class AccountTest {
  private static final long MILLI = 1_000_000;
  private static final long SECOND = 1_000 * MILLI;

  private long now = 1;
  private final Account account = new Account(() -> now);

  private void turn(Account of, long nanos) {
    of.begin();
    now += nanos;
    of.unasked(0);
    of.end();
  }

  private long used(Account of) {
    for (int i = 0; !of.isEmpty(); i++) {
      assertThat(i).isLessThan(1_000);
      turn(of, MILLI);
    }
    return now;
  }

  @Test
  void answersCostNothing() {
    for (int i = 0; i < 100_000; i++) {
      account.begin();
      for (int answer = 0; answer < 16; answer++) {
        now += MILLI / 10;
        account.answer(300);
      }
      now += MILLI;
      account.end();
    }
    assertThat(account.isAmple()).isTrue();
  }

  @Test
  void whatStandsBetweenAnswersIsPaidFor() {
    int turns = 0;
    while (!account.isEmpty()) {
      account.begin();
      now += MILLI;
      account.answer(300);
      now += MILLI;
      account.unasked(0);
      now += MILLI;
      account.answer(300);
      account.end();
      turns++;
    }
    assertThat(turns).isBetween(100, 110);
  }

  @Test
  void aTurnThatBringsNothingWholeIsPaidFor() {
    int turns = 0;
    while (!account.isEmpty()) {
      account.begin();
      now += 1_000;
      account.end();
      turns++;
    }
    assertThat(turns).isBetween(16_000, 17_000);
  }

  @Test
  void oneThatIsUsedUpWaitsUntilItHasPaid() {
    long used = used(account);
    assertThat(used).isLessThan(120 * MILLI);
    long readAgain = account.waits();
    assertThat(account.isWaiting()).isTrue();
    assertThat(readAgain - now).isBetween(20 * MILLI, 60 * MILLI);
    now = readAgain - 1;
    assertThat(account.mayBeReadAgain()).isFalse();
    now = readAgain;
    assertThat(account.mayBeReadAgain()).isTrue();
    assertThat(account.mayBeReadAgain()).isFalse();
    assertThat(account.isEmpty()).isFalse();
    assertThat(account.isAmple()).isFalse();
  }

  @Test
  void itFillsUpAgain() {
    long _ = used(account);
    long readAgain = account.waits();
    now = readAgain;
    assertThat(account.mayBeReadAgain()).isTrue();
    now += 11 * SECOND;
    account.begin();
    assertThat(account.isAmple()).isTrue();
  }

  /** However many there are, for a minute: the loop's thread has most of its time for others. */
  @Test
  void manyShareWhatOneAloneMayHave() {
    for (int channels : new int[] {1, 4, 24}) {
      var all = new ArrayList<Account>();
      var until = new long[channels];
      for (int i = 0; i < channels; i++) {
        all.add(new Account(() -> now));
        long _ = used(all.get(i));
      }
      long begun = now;
      long spent = 0;
      for (int i = 0; i < channels; i++) {
        until[i] = all.get(i).waits();
      }
      while (now - begun < 60 * SECOND) {
        now += MILLI;
        for (int i = 0; i < channels; i++) {
          Account one = all.get(i);
          if (now >= until[i] && one.mayBeReadAgain()) {
            while (!one.isEmpty()) {
              one.begin();
              now += Account.TURN;
              one.unasked(0);
              one.end();
              spent += Account.TURN;
            }
            until[i] = one.waits();
          }
        }
      }
      all.forEach(Account::close);
      assertThat(100.0 * spent / (now - begun))
          .as("per cent of the thread's time for " + channels)
          .isBetween(3.5, channels == 1 ? 5.5 : 26);
    }
  }

  @Test
  void aThreadThatHadToWaitIsNotPaidForInFull() {
    for (int i = 0; i < 9; i++) {
      turn(account, SECOND);
    }
    assertThat(account.isEmpty()).isFalse();
  }

  @Test
  void theBytesOfAnAnswerPayForItsPieces() {
    for (int i = 0; i < 100_000; i++) {
      account.begin();
      now += MILLI / 10;
      account.unasked(250_000);
      account.end();
    }
    assertThat(account.isAmple()).isTrue();
  }

  @Test
  void aTurnIsOverWhenItHasLastedOrTheAccountIsUsedUp() {
    account.begin();
    now += Account.TURN - 1;
    account.answer(1);
    assertThat(account.turnIsOver()).isFalse();
    now += 1;
    account.answer(1);
    assertThat(account.turnIsOver()).isTrue();
    long _ = used(account);
    account.begin();
    assertThat(account.turnIsOver()).isTrue();
  }

  @Test
  void oneThatIsClosedLeavesItsShareToOthers() {
    for (int i = 0; i < 100; i++) {
      var gone = new Account(() -> now);
      long _ = used(gone);
      long _ = gone.waits();
      gone.close();
      gone.close();
    }
    long _ = used(account);
    assertThat(account.waits() - now).isLessThan(100 * MILLI);
    account.close();
  }
}
