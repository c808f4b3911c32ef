// The rows of the HTML report: read, sorted and filtered. They are data in the page, as
// app/report/page/embedded.py writes them. table.js, which follows in the same script, shows them.
"use strict";

const about = JSON.parse(document.getElementById("about").textContent);
const view = document.getElementById("view");
const form = document.getElementById("filters");
const counted = document.getElementById("counted");
const chosenBox = document.getElementById("chosen");

// Where a value stands in a row; the answers follow, five values for each question.
const [FOLDER, NAME, STATUS, NOTE, DUPLICATE, FORMAT, WIDTH, HEIGHT, BYTES, HASH, ANSWERS] =
  Array(11).keys();
const [STATE, SCORE, LOW, HIGH, REASON] = Array(5).keys();
const PER_ANSWER = 5;
const WORDED = [FOLDER, STATUS, NOTE, FORMAT];

const rows = [];
const words = [];
let sorted = []; // Indices of all rows, in the order of the table.
let shown = []; // Those of them that pass the filters.
let sortedBy = 0;
let descending = false;
let chosen = -1; // Position in `shown`.

function answer(row, question, part) {
  return row[ANSWERS + question * PER_ANSWER + part] ?? null;
}

function note(row) {
  const reasons = about.questions.map((_, q) => answer(row, q, REASON)).filter(Boolean);
  return row[NOTE] || reasons.join(" ");
}

const text = (value) => value ?? "";
const whole = (value) => (value === null ? "" : value.toLocaleString("en"));
const three = (value) => (value === null ? "" : value.toFixed(3));

// Each column: its head, its width in em, the value it is sorted by, and how that is shown.
const columns = [
  { head: "No.", width: 6, number: true, value: (row) => row.number, show: whole },
  { head: "File", width: 17, long: true, value: (row) => row[NAME], show: text },
  { head: "Status", width: 8.5, value: (row) => row[STATUS], show: text },
  ...about.questions.flatMap((question, q) => [
    {
      head: question,
      width: 9.5,
      value: (row) => answer(row, q, STATE),
      show: (state) => (state === null ? "" : about.states[state]),
      state: (row) => answer(row, q, STATE),
    },
    { head: "Score", of: question, width: 6, number: true, value: (row) => answer(row, q, SCORE),
      show: three },
  ]),
  { head: "Note", width: 24, value: (row) => note(row) || null, show: text },
  { head: "Folder", width: 20, long: true, value: (row) => row[FOLDER], show: text },
  { head: "Format", width: 6, value: (row) => row[FORMAT], show: text },
  { head: "Width", width: 6, number: true, value: (row) => row[WIDTH], show: whole },
  { head: "Height", width: 6, number: true, value: (row) => row[HEIGHT], show: whole },
  { head: "Bytes", width: 8, number: true, value: (row) => row[BYTES], show: whole },
  { head: "Duplicate of", width: 20, long: true, value: (row) => row[DUPLICATE], show: text },
  { head: "SHA-256", width: 20, long: true, value: (row) => row[HASH], show: text },
];

// Reading ---------------------------------------------------------------------------------------

function known(value) {
  if (typeof value === "number") return words[value];
  if (typeof value === "string" && words.length < about.known) words.push(value);
  return value ?? null;
}

function take(row) {
  for (const place of WORDED) row[place] = known(row[place]);
  for (let place = WIDTH; place <= HASH; place++) row[place] ??= null;
  row[DUPLICATE] ??= null;
  about.questions.forEach((_, q) => {
    const place = ANSWERS + q * PER_ANSWER + REASON;
    if (place < row.length) row[place] = known(row[place]);
  });
  row.number = rows.length + 1;
  rows.push(row);
}

function read() {
  const block = document.querySelector("script.rows");
  if (block === null) {
    ready();
    return;
  }
  JSON.parse(block.textContent).forEach(take);
  block.remove(); // Its text is not needed twice.
  counted.textContent = `Reading the rows: ${whole(rows.length)} of ${whole(about.files)}`;
  setTimeout(read);
}

function ready() {
  sorted = rows.map((_, index) => index);
  form.hidden = view.hidden = false;
  heads();
  filter();
}

// Sorting and filtering -------------------------------------------------------------------------

function sort(column) {
  if (sortedBy === column) descending = !descending;
  else {
    sortedBy = column;
    descending = columns[column].head === "Score"; // The high scores are looked for.
  }
  const keys = rows.map(columns[column].value);
  const up = descending ? -1 : 1;
  sorted.sort((a, b) => {
    const [left, right] = [keys[a], keys[b]];
    if (left === right) return a - b;
    if (left === null) return 1; // Nothing is last in both directions.
    if (right === null) return -1;
    return left < right ? -up : up;
  });
  document.querySelectorAll("#rows th").forEach((head, index) => {
    const direction = descending ? "descending" : "ascending";
    head.setAttribute("aria-sort", index === column ? direction : "none");
    const arrow = index === column ? (descending ? " ▼" : " ▲") : "";
    head.firstChild.textContent = columns[index].head + arrow;
  });
  filter();
}

function filter() {
  const needle = document.getElementById("needle").value.toLowerCase();
  const status = document.getElementById("status").value;
  const answers = about.questions.map((_, q) => document.getElementById(`answer-${q}`).value);
  const has = (value) => value !== null && value.toLowerCase().includes(needle);
  const passes = (row) =>
    (status === "" || row[STATUS] === status) &&
    answers.every((wanted, q) => {
      if (wanted === "") return true;
      return (answer(row, q, STATE) ?? about.states.length) === Number(wanted);
    }) &&
    (needle === "" ||
      has(row[FOLDER] === null ? row[NAME] : row[FOLDER] + row[NAME]) ||
      has(note(row)) ||
      has(row[HASH]) ||
      has(row[DUPLICATE]));
  shown = sorted.filter((index) => passes(rows[index]));
  const all = whole(rows.length);
  counted.textContent =
    shown.length === rows.length ? `${all} files` : `${whole(shown.length)} of ${all} files`;
  chosen = -1;
  chosenBox.hidden = true;
  view.scrollTop = 0;
  draw();
}
