// The table of all files in the HTML report, drawn where it is seen only. It shows what rows.js,
// which comes before it in the same script, keeps. Names of files are hostile, so nothing here
// makes markup of text.

const body = document.querySelector("#rows tbody");
const TALLEST = 8e6; // Pixels; browsers allow no element that is much taller.
const MARGIN = 8; // Rows that are drawn above and below what is seen.
const PRINTED = 2000; // Rows; a longer table is not printed.
let rowHeight = 30;

// Drawing ---------------------------------------------------------------------------------------

function heads() {
  const line = document.querySelector("#rows thead tr");
  const group = document.querySelector("#rows colgroup");
  let width = 0;
  columns.forEach((column, index) => {
    const head = document.createElement("th");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = column.head + (index === 0 ? " ▲" : "");
    if (column.of) button.title = `Score: ${column.of}`;
    if (column.number) head.className = "number";
    head.scope = "col";
    head.setAttribute("aria-sort", index === 0 ? "ascending" : "none");
    button.addEventListener("click", () => sort(index));
    head.append(button);
    line.append(head);
    const col = document.createElement("col");
    col.style.width = `${column.width}em`;
    group.append(col);
    width += column.width;
  });
  document.getElementById("rows").style.width = `${width}em`;
}

function line(position) {
  const row = rows[shown[position]];
  const element = document.createElement("tr");
  element.setAttribute("aria-rowindex", position + 2);
  element.dataset.position = position;
  if (position === chosen) element.className = "chosen";
  for (const column of columns) {
    const cell = document.createElement("td");
    cell.textContent = column.show(column.value(row));
    if (column.number) cell.className = "number";
    if (column.long) cell.className = "long";
    const state = column.state?.(row) ?? null;
    if (state !== null) cell.className = `state ${about.states[state]}`;
    element.append(cell);
  }
  return element;
}

function space(height) {
  const element = document.createElement("tr");
  element.className = "space";
  const cell = document.createElement("td");
  cell.colSpan = columns.length;
  cell.style.height = `${height}px`;
  element.append(cell);
  return element;
}

// How far the rows would scroll, and how far the element does, which cannot be as tall.
function extents() {
  const room = view.clientHeight - document.querySelector("#rows thead").offsetHeight;
  const full = Math.max(shown.length * rowHeight - room, 0);
  return { room, full, tall: Math.min(full, TALLEST) };
}

function draw() {
  const { room, full, tall } = extents();
  const first = tall ? ((view.scrollTop / tall) * full) / rowHeight : 0;
  const top = Math.min(Math.floor(first), shown.length);
  const above = Math.min(MARGIN, top);
  const start = top - above;
  const end = Math.min(top + Math.ceil(room / rowHeight) + MARGIN, shown.length);
  const before = Math.max(view.scrollTop - (first - start) * rowHeight, 0);
  const after = Math.max(tall + room - before - (end - start) * rowHeight, 0);
  const lines = [];
  for (let position = start; position < end; position++) lines.push(line(position));
  body.replaceChildren(space(before), ...lines, space(shown.length ? after : 0));
  document.getElementById("rows").setAttribute("aria-rowcount", shown.length + 1);
  const height = lines.length ? lines[0].getBoundingClientRect().height : rowHeight;
  if (Math.abs(height - rowHeight) > 0.01) {
    rowHeight = height; // The reader's letters are larger or smaller than ours.
    draw();
  }
}

let drawing = false;
function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

// Choosing a row --------------------------------------------------------------------------------

function choose(position) {
  if (!shown.length) return;
  chosen = Math.max(0, Math.min(position, shown.length - 1));
  const { room, full, tall } = extents();
  const seen = tall ? (view.scrollTop / tall) * full : 0;
  const top = chosen * rowHeight;
  let wanted = seen;
  if (top < seen) wanted = top;
  if (top + rowHeight > seen + room) wanted = top + rowHeight - room;
  if (wanted !== seen && full) view.scrollTop = (wanted / full) * tall;
  draw();
  describe(rows[shown[chosen]]);
}

function describe(row) {
  const size = row[WIDTH] === null ? null : `${row[WIDTH]} x ${row[HEIGHT]} px`;
  const pairs = [
    ["Path", (row[FOLDER] ?? "") + row[NAME]],
    ["Status", row[STATUS]],
    ["Note", row[NOTE]],
    ["Duplicate of", row[DUPLICATE]],
    ["Picture", [row[FORMAT], size].filter(Boolean).join(", ") || null],
    ["Bytes", row[BYTES] === null ? null : whole(row[BYTES])],
    ["SHA-256", row[HASH]],
  ];
  about.questions.forEach((question, q) => {
    const state = answer(row, q, STATE);
    if (state === null) return;
    const [score, low, high] = [SCORE, LOW, HIGH].map((part) => answer(row, q, part));
    const moved = low === null ? "" : `, range ${low.toFixed(4)} to ${high.toFixed(4)}`;
    const scored = score === null ? "" : `, score ${score.toFixed(4)}${moved}`;
    const reason = answer(row, q, REASON);
    pairs.push([question, `${about.states[state]}${scored}. ${reason ?? ""}`]);
  });
  const list = document.createElement("dl");
  list.className = "facts";
  for (const [name, value] of pairs) {
    if (!value) continue;
    const [term, fact] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    fact.textContent = value;
    fact.className = "path";
    list.append(term, fact);
  }
  const title = document.createElement("h3");
  title.textContent = `File ${whole(row.number)}`;
  chosenBox.replaceChildren(title, list);
  chosenBox.hidden = false;
}

function steps(key) {
  const page = Math.max(Math.floor(extents().room / rowHeight) - 1, 1);
  const targets = {
    ArrowUp: chosen - 1,
    ArrowDown: chosen + 1,
    PageUp: chosen - page,
    PageDown: chosen + page,
    Home: 0,
    End: shown.length - 1,
  };
  return targets[key];
}

// Events ----------------------------------------------------------------------------------------

view.addEventListener("scroll", drawSoon);
window.addEventListener("resize", drawSoon);
view.addEventListener("keydown", (event) => {
  const target = event.target === view ? steps(event.key) : undefined;
  if (target === undefined) return;
  event.preventDefault();
  choose(target);
});
body.addEventListener("click", (event) => {
  const position = event.target.closest("tr")?.dataset.position;
  if (position !== undefined) choose(Number(position));
});
let typing = 0;
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(filter, 150);
});
form.addEventListener("reset", () => setTimeout(filter));
form.addEventListener("submit", (event) => event.preventDefault());

let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("#models details:not([open])")];
  folded.forEach((element) => (element.open = true));
  if (shown.length <= PRINTED) body.replaceChildren(...shown.map((_, position) => line(position)));
  else {
    view.hidden = true;
    counted.textContent += `; a table of more than ${whole(PRINTED)} is not printed`;
  }
});
window.addEventListener("afterprint", () => {
  folded.forEach((element) => (element.open = false));
  view.hidden = false;
  counted.textContent = counted.textContent.replace(/;.*/, "");
  draw();
});

read();
