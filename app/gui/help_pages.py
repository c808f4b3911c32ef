"""The pages of the help, as HTML: one for each analysis, and four on the window's own terms."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from app.analysis.base import Analysis, Params, ParamSpec, ParamValue
from app.analysis.copy_move import CopyMoveParams
from app.analysis.copy_move_reading import CAUTION, NOTHING
from app.names import printable

Shortcut = tuple[str, str]
"""What an action of the menus is called, and its key in the user's language."""

_MOUSE = (
    ("Wheel on the picture, or pinch on a touch pad or screen", "zoom about the pointer"),
    ("Drag", "move the picture"),
    ("Double-click", "change between the whole picture and actual size"),
    ("Shift and drag", "draw region A; its numbers stand in the Regions panel"),
    ("Ctrl and drag", "draw region B, to compare it with A"),
    ("Drag the white line of a wipe", "move what divides the two pictures"),
    ("Pointer on the picture", "coordinates and values in the status line"),
    ("Arrow keys on the picture", "move it"),
    ("Alt and the left or right arrow key on the picture", "move the line of a wipe"),
    ("Page Up, Page Down in a text, list, slider or number", "turn its pages, change it"),
    ("Click, Enter or the arrow keys on a row of the scan", "look at that file"),
    ("Ctrl or Shift and click, Ctrl+A in the rows of the scan", "select several of them"),
    ("Ctrl+C in the rows of the scan", "copy the selected ones as text"),
    ("Click on a heading of the scan", "sort by it, the other way, and not any more"),
    ("Click on a count or a bar of the overview", "show its rows in the scan"),
    ("Left, right and Enter on the bars of the overview", "go through them, show the rows of one"),
    ("Click, Enter or the arrow keys on a picture of the overview", "look at that file"),
    ("Click, Enter or the arrow keys in a list of regions", "look at that region or pair"),
    ("Escape while a search runs", "end it"),
    ("Drop files or folders on the window", "open them"),
    ("Tab, Shift+Tab", "go to the next or previous control that is seen"),
    ("Alt and an underlined letter", "open that menu"),
    ("Escape in a notice", "close it"),
)

_WORK = """
<h3>Marks, comparison, blink</h3>
<p><b>A mark</b> is your own word on the selected image: flagged, unsure or cleared. The same mark
once more takes it away. Marks and notes are kept in the session file, never with the image.</p>
<p><b>A reference image</b>: keep the image that is shown, then go on to others. They are seen
against it, at the same place and with the same analysis, until it is no longer kept. Without a
reference image the map is compared with its own picture.</p>
<p><b>Blink</b> puts the one in the place of the other, and back: what changes between the two
catches the eye.</p>
"""

_SCAN = """
<h3>Scan and overview</h3>
<p><b>A scan</b> judges every file of the folder and gives each a row, broken ones included. Click
on a heading to sort; filter by name, status, state and score. <b>Conspicuous</b> leaves the rows
that ask for a look: a positive answer, or an inconclusive one with a score of at least 0.5. That is
an order of work and no finding. Selected rows can be judged again; the new rows replace the old
ones. Cancel keeps the rows so far, and says how many files were not reached.</p>
<p><b>Export report</b> writes all rows, or those that are shown, in their order.</p>
<p><b>The overview</b> counts the rows by status and, for each question, by answer; each line adds
up to all rows. The heights of its bars are logarithmic, so that a few high scores are seen beside
thousands of low ones. The strip below has the zones of the operating point. An answer can be
inconclusive with a score above it: when a mild change of the picture turns it around.</p>
"""


def analysis_page(analysis: Analysis) -> str:
    """What an analysis shows, what it does not, when it misleads, its parameters, its source."""
    specs = analysis.params.specs()
    parameters = "".join(map(_parameter, specs)) or "<p>It has none.</p>"
    presets = "".join(
        f"<li><b>{escape(name)}</b>: {escape(_differences(params))}</li>"
        for name, params in analysis.presets
    )
    return (
        f"<h2>{escape(analysis.title)}</h2>"
        f"<h3>What it shows</h3><p>{escape(analysis.shows)}</p>"
        f"<h3>What it does not show</h3><p>{escape(analysis.shows_not)}</p>"
        f"<h3>When it misleads</h3><p>{escape(analysis.misleads)}</p>"
        f"<h3>Parameters</h3>{parameters}"
        + (f"<h3>Presets</h3><ul>{presets}</ul>" if presets else "")
        + f"<h3>Source</h3><p>{escape(analysis.source)}</p>"
    )


def _parameter(spec: ParamSpec) -> str:
    effect = (
        "A change measures the picture again."
        if spec.needs_measurement
        else "A change only draws the same measurement in another way."
    )
    return (
        f"<p><b>{escape(_label(spec.name))}</b><br>{escape(spec.help)}<br>"
        f"<i>{escape(_range(spec))} Default: {escape(_value(spec.default, spec.unit))}. "
        f"{effect}</i></p>"
    )


def _range(spec: ParamSpec) -> str:
    """What may be chosen, as a sentence."""
    if spec.choices:
        return f"One of {', '.join(spec.choices)}."
    if isinstance(spec.default, bool):
        return "On or off."
    if isinstance(spec.default, str):
        return "Text."
    low, high = spec.minimum, spec.maximum
    if low is None and high is None:
        allowed = "Any number"
    elif high is None:
        allowed = f"At least {_value(low or 0, spec.unit)}"
    elif low is None:
        allowed = f"At most {_value(high, spec.unit)}"
    else:
        allowed = f"{low:g} to {_value(high, spec.unit)}"
    return f"{allowed} in steps of {spec.step:g}." if spec.step else f"{allowed}."


def _value(value: ParamValue, unit: str) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    number = value if isinstance(value, str) else f"{value:g}"
    return f"{number} {unit}".strip()


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _differences(params: Params) -> str:
    """Where a preset departs from the defaults."""
    changed = [
        f"{_label(spec.name).lower()} {_value(getattr(params, spec.name), spec.unit)}"
        for spec in params.specs()
        if getattr(params, spec.name) != spec.default
    ]
    return ", ".join(changed) or "all defaults"


def window_page(shortcuts: Iterable[Shortcut]) -> str:
    """How to read the window, and every key of its menus."""
    keys = _table((action, key) for action, key in shortcuts if key)
    return (
        "<h2>Reading the window</h2>"
        "<p>On the left stands the folder, in the middle the picture with the map of the chosen "
        "analysis, on the right the controls of the map, the verdict and the facts of the file, "
        "below the scan of the whole folder. Every panel can be moved, closed, and brought back "
        "from the View menu.</p>"
        "<h3>The map</h3>"
        "<p>The legend under the picture says what the two ends of the map's scale stand for, in "
        "the unit of the measurement, and repeats the parameters. Read the legend before the map: "
        "the same grey means something else under another gain. With a fixed gain the maps of "
        "two pictures can be compared; with auto gain they cannot.</p>"
        "<p>Compare like with like: edges with edges, textures with textures, flat areas with "
        "flat areas. Beneath the legend stands what this file's own facts allow you to "
        "conclude, the most important sentence first.</p>"
        "<p>Look at the map at actual size as well. In a picture that is reduced to fit the "
        "window, single blocks and thin borders are averaged away.</p>"
        f"{_WORK}{_SCAN}<h3>Mouse and keyboard</h3>{_table(_MOUSE)}"
        + (f"<h3>Keys of the menus</h3>{keys}" if keys else "")
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td>{escape(left)}</td><td>{escape(right)}</td></tr>" for left, right in rows
    )
    return f'<table cellpadding="3">{cells}</table>' if cells else ""


VERDICTS_PAGE = """
<h2>Verdicts</h2>
<p>A model answers one question about a picture, such as whether a part of it was changed. Its
answer is support for one explanation over another. It is never a certainty, and it does not
replace your own examination.</p>
<h3>Calibrated score</h3>
<p>The score runs from 0 to 1. It was calibrated on images that had no part in the training: of
the reference images with a score of 0.8, four in five were positives, when positives and
negatives were equally frequent.</p>
<p>They rarely are equally frequent in a case. A score of 0.8 stands for odds of four to one. In a
collection where one image in a hundred was altered, the same score leaves about four chances in a
hundred that this one was. Weigh the score together with everything else you know of the image.</p>
<h3>Operating point</h3>
<p>An answer is positive from a threshold on. The threshold does not lie at 0.5: it was set by the
false-alarm rate, the share of untouched reference images that reach it. At a rate of 1 % about ten
in a thousand untouched images of the same kind come out positive. For images of another kind the
rate can be higher. The model's card names the reference images and the rate that was measured on
other data.</p>
<h3>The four answers</h3>
<p><b>Positive</b>: the score reaches the operating point. It is consistent with what the question
asks about.</p>
<p><b>Negative</b>: the score lies below the inconclusive band. The model found no sign. Some
altered images score as low; the reason beside the answer says how many did in calibration. A
negative answer does not show that a picture is untouched.</p>
<p><b>Inconclusive</b>: reference images of both kinds have such scores. This is a result in its
own right. Report it as it is, and do not round it up or down.</p>
<p><b>Outside validity</b>: the model was not made for such a file, for instance because of its
format, its size, or a JPEG encoder on this computer that differs from the one in training. There
is no score, and the reason is given. It says nothing about the picture.</p>
<h3>How steady the answer is</h3>
<p>The picture is judged again after mild changes that alter nothing the question asks about: saved
at two qualities, reduced to nine tenths, cropped by eight pixels. The lowest and the highest score
are drawn on the scale as a line with two ends, and said in words. A wide range makes a score weak
whatever its height. When such a change turns a positive answer into a negative one, or the other
way round, the answer is inconclusive. Until this has been tried the answer is marked as
preliminary.</p>
<h3>Verdict and map together</h3>
<p>The verdict speaks about the whole picture, a map about its parts. Once the model was asked
where, or copies were looked for, the panel says beside the answer which evidence speaks for what. A
positive answer without a marked place, or a marked place with a negative answer, is a disagreement:
say so, and let neither stand alone.</p>
<h3>More about a model</h3>
<p>The button Model card beside an answer shows what the model was trained on, how it was measured
and what it does not detect; Help &gt; Models shows the cards of all. A picture unlike all of the
reference images is not thereby suspect.</p>
"""


def where_page() -> str:
    """How to read what a model or the search for copies marks in a picture."""
    parameters = "".join(map(_parameter, CopyMoveParams.specs()))
    return f"""
<h2>Where in the picture</h2>
<p>Two methods say where to look. Each is asked for and takes a while; the Where panel shows how far
it is, and Cancel ends it. What was found belongs to the image that is shown, and is forgotten with
it.</p>
<h3>Where the model sees alterations</h3>
<p>The model that answers whether the picture was altered may also have a map: for every place the
evidence for an alteration there, from none to the strongest. It is evidence and no probability.
What reaches the threshold is outlined and listed with its area, its share of the picture, the mean
of the map within, and its place.</p>
<p>The threshold that the model came with is the one that was measured; its card has the figures.
Another threshold draws the same map in another way, without asking the model again. Lower it to see
how far the evidence reaches, and report at which threshold a region appears.</p>
<p><b>When it misleads</b>: texture, writing and hard edges draw marks in untouched pictures.
Smooth or small alterations stay unmarked, and so do many copies within one picture. Where the
picture is outside the model's validity there is no map either.</p>
<h3>Copy-move</h3>
<p>Looks for parts of the picture that show the same, also turned, scaled or mirrored. Each pair has
a line between its regions, and in the list the move from one to the other: shift in pixels, turn
clockwise, scale, and how many key points agree. It is an exact comparison without a model.</p>
<p><b>When it misleads</b>: {escape(CAUTION)}</p>
<p>When nothing is found: {escape(NOTHING[0].lower() + NOTHING[1:])}</p>
{parameters}
<h3>Over the picture</h3>
<p>The map lies over the picture with the opacity of its slider; the outlines stay. A key hides and
shows both, to see what lies beneath. With Overlay or Map the outlines lie over the map of the
chosen analysis, so that two kinds of evidence can be compared at one place. In a wipe and side by
side the other half is without them.</p>
<h3>As files</h3>
<p>Save map writes the picture with map and outlines as PNG, Save regions the outlines, areas and
pairs as JSON. Both carry the parameter record.</p>
"""


def evidence_page(settings_folder: Path) -> str:
    """How files under examination are treated, and what the program writes."""
    return f"""
<h2>Evidence</h2>
<h3>Read-only, hash first</h3>
<p>A file under examination is opened for reading only. Its SHA-256 is taken before anything in it
is decoded, and stands in the File panel and in every report. Nothing is written to the file and
nothing beside it: no thumbnails, no side-cars. An output that would replace an examined file is
refused, whatever name or link leads there.</p>
<p>Work on copies all the same, and keep the original write-protected. Note its hash when you
receive it; equal hashes later show that the content is the same.</p>
<h3>What happens on the way to pixels</h3>
<p>Between file and picture stands the decode record: the decoder and its version, size, colour
mode and bit depth, and every conversion. An EXIF orientation is noted and not applied, so that
coordinates are those of the stored pixels. Transparency is dropped, deeper samples are reduced to
8 bits, a colour profile is not applied, and of several pictures in a file the first is read.</p>
<p>Each result has a parameter record: the method, its parameters, the JPEG encoder by its
fingerprint, and for a verdict the model by its hash. File, decode record and parameter record
together let another examiner repeat the step.</p>
<h3>What is written, and where</h3>
<p><b>Maps and reports</b> go where you save them, and only then. They are written whole or not at
all. A saved map carries its parameter record in the text chunk <tt>elascope.record</tt>.</p>
<p><b>Settings</b> are kept in {escape(printable(str(settings_folder)))}: the layout of the window,
its colours, your presets, and the names of the folders you opened last. If those names are
confidential, clear the list of recent folders. Models of your own are read from the folder
<tt>models</tt> there.</p>
<p><b>Nothing leaves this computer.</b> The program opens no network connection, and links in its
texts do not open.</p>
<h3>What is not said</h3>
<p>What was not checked is not thereby absent, and a trait that is missing from the reference data
is not thereby a contradiction. A file that could not be read has a row in the report with the
reason; it is never left out.</p>
"""
