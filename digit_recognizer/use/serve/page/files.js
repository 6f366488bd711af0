// Pictures from elsewhere: chosen, dropped or pasted.

const MOST_BYTES = 20e6; // what the server takes

export function listenForFiles({ input, frame, take, refuse }) {
  async function receive(files) {
    const file = files[0];
    if (!file) return refuse("That is no file.");
    if (file.size > MOST_BYTES) return refuse("That is too large; 20 MB is the most.");
    // What this browser cannot show the server may still read.
    take({ file, bitmap: await createImageBitmap(file).catch(() => null) });
  }
  input.addEventListener("change", () => {
    receive([...input.files]);
    input.value = ""; // the same file, chosen again, is a change again
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) receive([...event.clipboardData.files]);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    frame.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) frame.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault(); // the browser would leave the page for the file
    frame.classList.remove("dropping");
    receive([...event.dataTransfer.files]);
  });
}
