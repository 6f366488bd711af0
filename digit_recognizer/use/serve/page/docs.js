// The examples show the address of this page, whatever PORT was chosen.
for (const each of document.querySelectorAll(".here")) each.textContent = location.origin;
