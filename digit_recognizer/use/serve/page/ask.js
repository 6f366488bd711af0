// Questions to the server: one of a kind on its way, and behind it only the latest.

const ANSWERLESS = "The server does not answer. Is `make serve` still running?";

// Returns a function that asks. `answered(answer, isLast, ...about)` hears of each answer that was not
// forgotten since; isLast says that no newer question waits. `failed(error)` hears only of a failure
// that nothing newer waits behind: that of an old question says nothing about the present sketch.
export function asker(question, answered, failed) {
  let isAsking = false;
  let waiting = null;
  let epoch = 0;

  async function ask(...about) {
    if (isAsking) {
      waiting = about;
      return;
    }
    const mine = epoch;
    isAsking = true;
    try {
      const answer = await question(...about);
      if (mine === epoch) answered(answer, !waiting, ...about);
    } catch (error) {
      if (mine === epoch && !waiting) failed(error);
    }
    isAsking = false;
    if (waiting) {
      const next = waiting;
      waiting = null;
      ask(...next);
    }
  }
  ask.forget = () => {
    epoch++;
    waiting = null;
  };
  return ask;
}

export async function post(address, type, body) {
  const headers = { "Content-Type": type };
  const response = await fetch(address, { method: "POST", headers, body }).catch(() => {
    throw new Error(ANSWERLESS);
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
