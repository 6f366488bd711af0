// The examples name the address that this page came from, whatever PORT was chosen.
for (const each of document.querySelectorAll(".here")) each.textContent = location.origin;
