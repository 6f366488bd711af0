// Questions to the server: one of a kind on its way, and behind it only the latest.

const ANSWERLESS = "The server does not answer. Is `make serve` still running?";
const LONGEST = 60_000; // milliseconds for an answer
const PAUSE = 2_000; // before a server that did not answer is asked again

// Returns a function that asks: `question(signal, ...about)` sends it. `answered(answer, isLast, ...about)`
// hears of each answer that was not forgotten since; isLast says that no newer question waits.
// `failed(error)` hears only of a failure that nothing newer waits behind: that of an old question says
// nothing about the present sketch. A server that is gone is asked again until it is back.
export function asker(question, answered, failed) {
  let current = null; // what stops the question on its way
  let waiting = null;

  async function ask(...about) {
    if (current) {
      waiting = about;
      return;
    }
    const mine = (current = new AbortController());
    const limit = setTimeout(() => mine.abort(), LONGEST);
    let isGone = false;
    try {
      const answer = await question(mine.signal, ...about);
      if (mine === current) answered(answer, !waiting, ...about);
    } catch (error) {
      isGone = error.message === ANSWERLESS;
      if (mine === current && !waiting) failed(error);
    }
    clearTimeout(limit);
    if (mine !== current) return; // forgotten; what came after has begun by itself
    if (isGone) await new Promise((done) => setTimeout(done, PAUSE));
    if (mine !== current) return;
    current = null;
    const next = waiting ?? (isGone ? about : null);
    waiting = null;
    if (next) ask(...next);
  }
  ask.forget = () => {
    current?.abort();
    current = waiting = null;
  };
  return ask;
}

export async function post(address, type, body, signal) {
  const headers = { "Content-Type": type };
  const response = await fetch(address, { method: "POST", headers, body, signal }).catch(() => {
    throw new Error(ANSWERLESS);
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
