import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from app.detection import session as session_module
from app.detection.card import Calibration
from app.detection.detector import Detector
from app.detection.judging import judge
from app.detection.prepare import prepare
from app.detection.verdict import State
from app.errors import ModelRefusedError
from app.evidence.decode import DecodedImage, decode
from tests.models import card, mean_logit, question, write_model
from tests.pictures import encoded, in_memory, noise


def _grey(level: int, container: str = "PNG", side: int = 32) -> DecodedImage:
    return decode(in_memory(encoded(np.full((side, side, 3), level, np.uint8), container)))


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    return Detector(write_model(tmp_path / "grey" / "model.onnx", card().to_json()))


@pytest.mark.parametrize(
    ("level", "state", "score"),
    [
        (200, State.POSITIVE, 1 / (1 + np.exp(-4.5))),
        (128, State.INCONCLUSIVE, 0.5),
        (140, State.INCONCLUSIVE, 1 / (1 + np.exp(-0.75))),
        (50, State.NEGATIVE, 1 / (1 + np.exp(4.875))),
    ],
)
def test_a_score_gives_its_state_with_words_and_record(
    detector: Detector, level: int, state: State, score: float
) -> None:
    (verdict,) = judge([detector], _grey(level))
    assert verdict.state is state
    assert verdict.score == pytest.approx(score, abs=1e-6)
    assert (verdict.question, verdict.model) == ("tampered", "grey-mean")
    assert verdict.model_sha256 == hashlib.sha256(detector.path.read_bytes()).hexdigest()
    assert verdict.provider == detector.provider
    beginnings = {
        State.POSITIVE: "Consistent with a change. In calibration at most 1%",
        State.NEGATIVE: "No sign of a change. In calibration about 25%",
        State.INCONCLUSIVE: "Inconclusive:",
    }
    assert verdict.reason.startswith(beginnings[state])


@pytest.mark.parametrize(("level", "score"), [(20, 0.1), (136, 0.3), (144, 0.5), (200, 0.9)])
def test_a_score_by_calibration_points(tmp_path: Path, level: int, score: float) -> None:
    """The logit is (level - 128) / 16: -6.75, 0.5, 1 and 4.5."""
    points = ((0.0, 0.1), (1.0, 0.5), (2.0, 0.9))
    made = card([question(calibration=Calibration(1.0, 0.0, points))], schema=2)
    detector = Detector(write_model(tmp_path / "m.onnx", made.to_json()))
    (verdict,) = judge([detector], _grey(level))
    assert verdict.score == pytest.approx(score, abs=1e-6)


def test_an_image_outside_validity_gets_no_score_and_every_reason(detector: Detector) -> None:
    (verdict,) = judge([detector], _grey(200, "JPEG", side=8))
    assert verdict.state is State.OUTSIDE_VALIDITY
    assert (verdict.score, verdict.provider) == (None, "")
    assert verdict.reason == (
        "Outside the model's validity: its format is JPEG, the model knows PNG only; "
        "its shorter side has 8 pixels, below 16."
    )


def test_a_model_for_another_encoder_gives_no_score(tmp_path: Path) -> None:
    foreign = card(preparation={"encoder_fingerprint": "0" * 16, "planes": ("ela",)}).to_json()
    (verdict,) = judge([Detector(write_model(tmp_path / "m.onnx", foreign))], _grey(200))
    assert (verdict.state, verdict.score) == (State.OUTSIDE_VALIDITY, None)
    assert "JPEG encoder differs" in verdict.reason


def test_not_a_number_is_no_score(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.onnx", card().to_json(), root_of_minus_one=True)
    detector = Detector(path)
    batch = prepare(_grey(128).pixels, detector.card.preparation)[None]
    assert np.isnan(detector.logits(batch)["tampered"]).all()
    (verdict,) = judge([detector], _grey(128))
    assert (verdict.state, verdict.score) == (State.OUTSIDE_VALIDITY, None)
    assert verdict.reason == "The model gave no number for this image."


@pytest.mark.parametrize("size", [1, 2, 5])
def test_logits_of_every_batch_size_are_those_of_numpy(detector: Detector, size: int) -> None:
    batch = np.random.default_rng(size).uniform(0, 255, (size, 3, 8, 8)).astype(np.float32)
    logits = detector.logits(batch)["tampered"]
    assert (logits.shape, logits.dtype) == ((size,), np.float32)
    assert np.allclose(logits, mean_logit(batch), atol=1e-4)


def test_judging_uses_the_shared_preparation(tmp_path: Path) -> None:
    """With the ELA plane the answer depends on the residual of the full-resolution pixels."""
    asked = question(calibration=Calibration(slope=1.0, offset=8.0))
    made = card([asked], {"planes": ("ela", "rgb")})
    shape = ("batch", 6, 8, 8)
    detector = Detector(write_model(tmp_path / "m.onnx", made.to_json(), input_shape=shape))
    image = decode(in_memory(encoded(noise(48, 64), "PNG")))
    logit = mean_logit(prepare(image.pixels, made.preparation)[None])[0]
    (verdict,) = judge([detector], image)
    assert verdict.score == pytest.approx(1 / (1 + np.exp(-(logit + 8))), abs=1e-5)


def test_two_questions_get_two_answers_in_the_order_of_the_card(tmp_path: Path) -> None:
    made = card([question("generated", "second"), question("tampered", "first")])
    centres = {"first": 200.0, "second": 60.0}
    detector = Detector(write_model(tmp_path / "m.onnx", made.to_json(), centres=centres))
    verdicts = judge([detector], _grey(128))
    assert [(verdict.question, verdict.state) for verdict in verdicts] == [
        ("generated", State.POSITIVE),
        ("tampered", State.NEGATIVE),
    ]
    outside = judge([detector], _grey(128, "GIF"))
    assert [verdict.question for verdict in outside] == ["generated", "tampered"]
    assert {verdict.state for verdict in outside} == {State.OUTSIDE_VALIDITY}


def test_one_detector_serves_many_threads_alike(detector: Detector) -> None:
    images = [_grey(level) for level in range(100, 160, 5)]
    alone = [judge([detector], image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda image: judge([detector], image), images)) == alone


def test_the_processor_is_used_and_loading_is_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_model(tmp_path / "m.onnx", card().to_json())
    capfd.readouterr()
    detector = Detector(path)
    judge([detector], _grey(128))
    assert capfd.readouterr() == ("", "")
    if not Path("/dev/nvidiactl").exists():
        assert detector.provider == "CPUExecutionProvider"


def test_importing_the_runtime_in_a_fresh_process_is_silent(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.onnx", card().to_json())
    code = (
        "import sys; from pathlib import Path; from app.detection.detector import Detector; "
        "sys.exit(0 if Detector(Path(sys.argv[1])).provider else 3)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("claimed", "driver", "asked"),
    [
        (["CUDAExecutionProvider"], False, []),
        (["CUDAExecutionProvider"], True, [["CUDAExecutionProvider", "CPUExecutionProvider"]]),
        ([], True, []),
        (["TensorrtExecutionProvider"], True, []),
    ],
)
def test_the_graphics_card_is_asked_for_only_where_its_driver_is_seen(
    monkeypatch: pytest.MonkeyPatch, claimed: list[str], driver: bool, asked: list[list[str]]
) -> None:
    """The GPU wheel claims CUDA on any machine and prints errors when it is then asked for."""
    processor = ["CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: claimed + processor)
    monkeypatch.setattr(session_module, "_nvidia_driver", lambda: driver)
    assert session_module._providers() == [*asked, processor]


_AS_ON_A_MACHINE_WITH_A_DRIVER = """
import sys
from pathlib import Path
import numpy as np
from app.detection import session
from app.detection.detector import Detector
session._nvidia_driver = lambda: True
assert len(session._providers()) == 2
detector = Detector(Path(sys.argv[1]))
pixels = np.load(sys.argv[2])
print(detector.provider, repr(detector.logits_of(pixels)))
"""


@pytest.mark.skipif(
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers()
    or Path("/dev/nvidiactl").exists(),
    reason="needs the GPU wheel and no GPU",
)
def test_a_gpu_whose_libraries_are_missing_is_passed_over_without_a_word(tmp_path: Path) -> None:
    """The driver alone does not bring CUDA; onnxruntime then says so on descriptor 2 by itself."""
    path = write_model(tmp_path / "m.onnx", card().to_json())
    pixels = noise(40, 50)
    np.save(tmp_path / "pixels.npy", pixels)
    done = subprocess.run(
        [sys.executable, "-c", _AS_ON_A_MACHINE_WITH_A_DRIVER, path, tmp_path / "pixels.npy"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"CPUExecutionProvider {Detector(path).logits_of(pixels)!r}\n"


def test_a_gpu_that_fails_is_passed_over_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its libraries are there, and then no session can be made on it."""
    known = onnxruntime.InferenceSession
    tried: list[list[str]] = []

    def make(source: object, options: object, *, providers: list[str], **more: object) -> object:
        tried.append(providers)
        if "CUDAExecutionProvider" in providers:
            raise RuntimeError("CUDA failure 100: no CUDA-capable device is detected")
        return known(source, options, providers=providers, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", make)
    monkeypatch.setattr(session_module, "_nvidia_driver", lambda: True)
    monkeypatch.setattr(
        onnxruntime,
        "get_available_providers",
        lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    detector = Detector(write_model(tmp_path / "m.onnx", card().to_json()))
    assert [providers[0] for providers in tried] == [
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]
    assert detector.provider == "CPUExecutionProvider"
    assert len(detector.logits_of(noise(20, 20))) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"", b"garbage" * 100], ids=["empty", "garbage"])
def test_what_is_no_onnx_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "thing.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelRefusedError) as caught:
        Detector(path)
    assert caught.value.sentence == "The model thing.onnx is not a usable ONNX file."


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.onnx", card().to_json())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelRefusedError):
        Detector(path)


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefusedError, match=r"cannot be read: No such file"):
        Detector(tmp_path / "gone.onnx")


def test_a_model_without_a_card_is_refused_by_the_name_of_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelRefusedError, match="The model mystery carries no model card"):
        Detector(write_model(tmp_path / "mystery" / "model.onnx", None))


def test_a_newer_card_is_refused(tmp_path: Path) -> None:
    document = json.dumps({"schema": 99})
    with pytest.raises(ModelRefusedError, match="schema 99"):
        Detector(write_model(tmp_path / "m.onnx", document))


def test_a_model_whose_calibration_is_no_number_is_refused_when_loaded(tmp_path: Path) -> None:
    """Such a score would compare as below every threshold, hence as negative."""
    asked = question(calibration=Calibration(slope=1.0, offset=float("nan")))
    path = write_model(tmp_path / "m.onnx", card([asked]).to_json())
    with pytest.raises(ModelRefusedError) as caught:
        Detector(path)
    assert caught.value.sentence == (
        "The card of the model m.onnx is not valid: "
        "card.questions[0].calibration.offset is not a finite number."
    )


def test_a_model_whose_words_are_no_valid_text_is_refused_when_loaded(tmp_path: Path) -> None:
    """No report could be written with such words in it."""
    document = json.loads(card().to_json())
    document["questions"][0]["positive"] = "\ud800"
    path = write_model(tmp_path / "m.onnx", json.dumps(document))
    with pytest.raises(ModelRefusedError) as caught:
        Detector(path)
    assert caught.value.sentence == (
        "The card of the model m.onnx is not valid: "
        "it holds text or numbers that cannot be written down."
    )


_WRONG_TENSORS = {
    "another input name": (
        {"input_name": "pixels"},
        "one float32 input called image; it has pixels",
    ),
    "another input type": ({"input_type": onnx.TensorProto.DOUBLE}, "one float32 input"),
    "other channels": ({"input_shape": ("batch", 6, 8, 8)}, r"\[batch, 3, 8, 8\]"),
    "another height": ({"input_shape": ("batch", 3, 16, 8)}, r"\[batch, 3, 8, 8\]"),
    "another width": ({"input_shape": ("batch", 3, 8, 9)}, r"\[batch, 3, 8, 8\]"),
    "a fixed batch": ({"input_shape": (1, 3, 8, 8)}, r"\[batch, 3, 8, 8\]"),
    "another output": ({"centres": {"score": 1.0}}, "no float32 output logit"),
    "a fixed batch of the output": (
        {"output_batch": 1},
        r"no float32 output logit of shape \[batch, 1\]",
    ),
    "two columns": ({"columns": 2}, r"no float32 output logit of shape \[batch, 1\]"),
}


@pytest.mark.parametrize("fault", _WRONG_TENSORS)
def test_tensors_that_do_not_fit_the_card_are_refused(tmp_path: Path, fault: str) -> None:
    options, words = _WRONG_TENSORS[fault]
    path = write_model(tmp_path / "m.onnx", card().to_json(), **options)  # type: ignore[arg-type]
    with pytest.raises(ModelRefusedError, match=words):
        Detector(path)


def test_a_model_for_any_input_size_fits_the_card(tmp_path: Path) -> None:
    shape = ("batch", 3, "rows", "columns")
    path = write_model(tmp_path / "m.onnx", card().to_json(), input_shape=shape)
    assert judge([Detector(path)], _grey(128))[0].score == pytest.approx(0.5)
