// Picture files: chosen, dropped or pasted.

const MOST_BYTES = 20e6; // the server's limit

export function listenForFiles({ input, frame, take, refuse }) {
  async function receive(files) {
    const file = files[0];
    if (!file) return refuse("This is not a file.");
    if (file.size > MOST_BYTES) return refuse("This is too large; the limit is 20 MB.");
    // The server may read formats that this browser cannot show.
    take({ file, bitmap: await createImageBitmap(file).catch(() => null) });
  }
  input.addEventListener("change", () => {
    receive([...input.files]);
    input.value = ""; // so that choosing the same file again is a change
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
    event.preventDefault(); // otherwise the browser would open the file instead of the page
    frame.classList.remove("dropping");
    receive([...event.dataTransfer.files]);
  });
}
