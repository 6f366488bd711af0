// Requests to the server: one of a kind at a time, and only the latest one waits.

const ANSWERLESS = "The server does not answer. Is `make serve` still running?";
const LONGEST = 60_000; // milliseconds to wait for an answer
const PAUSE = 2_000; // milliseconds before a server that did not answer is asked again

// Returns a function that asks; `question(signal, ...about)` sends the request.
// `answered(answer, isLast, ...about)` is called for each answer, unless the request was forgotten since;
// isLast means that no newer request waits. `failed(error)` is called only if no newer request waits,
// because an old failure says nothing about the present sketch. If the server does not answer, the
// request is sent again until it does.
export function asker(question, answered, failed) {
  let current = null; // aborts the request that was sent
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
    if (mine !== current) return; // forgotten; a newer request was sent already
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
