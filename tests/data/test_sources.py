"""Each source's arrays, and what goes wrong with its files."""

import hashlib
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sizewise.config import DataConfig, Mnist1dConfig
from sizewise.data import load
from sizewise.data.published import read_arrays as read
from sizewise.errors import UserError
from tests.builders import whole

PUBLISHED = {  # sha256 of the arrays of the authors' mnist1d_data.pkl, all taken as float32
    "train_inputs": "d53506bddd12d3b72c7153b1ae7f34807724b1dd078a7273809bf9d0792319f6",
    "train_targets": "421e66a35fdb5322f6546df2bcb7ebe19575203e49ddb3bfa315ecf707f4b709",
    "test_inputs": "30addc43827c82aafa5db8bc97cea63349ca687e87db2f201cc4f5415d9a4ebd",
    "test_targets": "d822b797eaf5df83aa5b69ae97285cd35dfa54c2f9a0287e03f56cb0f8874f07",
}


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def digest_of_read(config: Mnist1dConfig) -> str:
    arrays = read(config)
    return sha256(arrays.train_inputs) + sha256(arrays.test_targets)


def make_config(name: str, root: Path) -> DataConfig:
    return DataConfig(name=name, root=str(root), validation_fraction=0.1, train_samples=None)


@pytest.fixture
def fresh_config(small_mnist1d_config: Mnist1dConfig, tmp_path: Path) -> Mnist1dConfig:
    """Return the config of a small MNIST-1D that is not cached yet."""
    return small_mnist1d_config.model_copy(update={"root": str(tmp_path)})


def only_cache(config: Mnist1dConfig) -> Path:
    (cache,) = (Path(config.root) / "mnist1d").iterdir()
    return cache


class TestMnist1d:
    @pytest.mark.parametrize("name", PUBLISHED)
    def test_arrays_are_those_of_the_published_file(
        self, mnist1d_config: Mnist1dConfig, name: str
    ) -> None:
        array = getattr(read(mnist1d_config), name)
        assert array.dtype == (np.float32 if name.endswith("inputs") else np.int64)
        assert sha256(array.astype(np.float32)) == PUBLISHED[name]

    def test_shapes_and_counts(self, mnist1d_config: Mnist1dConfig) -> None:
        dataset = load(mnist1d_config, seed=0)
        assert dataset.spec.input_shape == (1, 40)
        assert dataset.spec.class_names == tuple("0123456789")
        assert len(dataset.train) + len(dataset.validation) == 4000
        assert len(dataset.validation) == pytest.approx(400, abs=1)  # each class is rounded
        assert whole(dataset.test).inputs.shape == (1000, 1, 40)

    def test_the_cache_holds_what_was_generated(self, fresh_config: Mnist1dConfig) -> None:
        generated, cached = digest_of_read(fresh_config), digest_of_read(fresh_config)
        assert generated == cached

    @pytest.mark.parametrize("shuffle", [False, True])
    def test_more_test_samples_come_after_those_that_the_package_makes(
        self, fresh_config: Mnist1dConfig, shuffle: bool
    ) -> None:
        from mnist1d.data import get_dataset_args, make_dataset

        arguments = get_dataset_args()
        arguments.num_samples, arguments.shuffle_seq = fresh_config.num_samples, shuffle
        theirs = make_dataset(arguments)
        asked = {"shuffle_seq": shuffle, "test_samples": 95}
        more = read(fresh_config.model_copy(update=asked))
        np.testing.assert_array_equal(more.train_inputs[:, 0], theirs["x"].astype(np.float32))
        np.testing.assert_array_equal(more.train_targets, theirs["y"])
        np.testing.assert_array_equal(more.test_inputs[:40, 0], theirs["x_test"].astype(np.float32))
        assert more.test_inputs.shape == (95, 1, 40)
        assert set(more.test_targets[40:]) == set(range(10))
        # in the same order of steps: those are alike which are so in the samples before
        alike = [np.cov(each[:, 0].T) for each in (more.test_inputs[40:], more.train_inputs)]
        assert np.corrcoef(alike[0].ravel(), alike[1].ravel())[0, 1] > 0.7

    def test_a_second_read_takes_the_cache(
        self, fresh_config: Mnist1dConfig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read(fresh_config)
        monkeypatch.setattr("mnist1d.data.get_templates", None)  # calling it would fail
        assert read(fresh_config).train_inputs.shape == (160, 1, 40)

    @pytest.mark.parametrize("change", [{"num_samples": 100}, {"shuffle_seq": True}, {"seed": 43}])
    def test_other_arguments_have_another_cache_and_other_arrays(
        self, fresh_config: Mnist1dConfig, change: dict[str, int | bool]
    ) -> None:
        first = digest_of_read(fresh_config)
        assert digest_of_read(fresh_config.model_copy(update=change)) != first
        assert len(list((Path(fresh_config.root) / "mnist1d").iterdir())) == 2
        assert digest_of_read(fresh_config) == first

    def test_the_cache_does_not_depend_on_the_validation_fraction(
        self, fresh_config: Mnist1dConfig
    ) -> None:
        read(fresh_config)
        read(fresh_config.model_copy(update={"validation_fraction": 0.5}))
        assert only_cache(fresh_config).suffix == ".npz"

    def test_shuffling_permutes_the_steps_alike_in_every_sample(
        self, fresh_config: Mnist1dConfig
    ) -> None:
        plain = read(fresh_config).train_inputs[:, 0]
        shuffled = read(fresh_config.model_copy(update={"shuffle_seq": True})).train_inputs[:, 0]
        order = [
            int(np.abs(plain - shuffled[:, [step]]).sum(axis=0).argmin()) for step in range(40)
        ]
        assert sorted(order) == list(range(40))
        assert order != list(range(40))
        assert np.allclose(plain[:, order], shuffled, atol=1e-5)

    def test_nothing_but_the_cache_is_left(self, fresh_config: Mnist1dConfig) -> None:
        read(fresh_config)
        assert only_cache(fresh_config).suffix == ".npz"

    def test_nothing_is_left_where_writing_fails(
        self, fresh_config: Mnist1dConfig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full_disk(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", full_disk)
        with pytest.raises(UserError, match=r"No space left on device.*data\.root=FOLDER"):
            read(fresh_config)
        assert not list((Path(fresh_config.root) / "mnist1d").iterdir())

    @pytest.mark.parametrize(
        "damage",
        [
            lambda whole: b"",
            lambda whole: whole[: len(whole) // 2],
            lambda whole: whole[:1000] + bytes([whole[1000] ^ 255]) + whole[1001:],
            lambda whole: b"not an archive",
        ],
        ids=["empty", "truncated", "flipped byte", "text"],
    )
    def test_a_damaged_cache_is_made_anew_and_said_so(
        self,
        fresh_config: Mnist1dConfig,
        damage: Callable[[bytes], bytes],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        good = digest_of_read(fresh_config)
        cache = only_cache(fresh_config)
        cache.write_bytes(damage(cache.read_bytes()))
        assert digest_of_read(fresh_config) == good
        (said,) = capsys.readouterr().err.splitlines()
        assert str(cache) in said
        assert "making it anew" in said
        assert digest_of_read(fresh_config) == good
        assert not capsys.readouterr().err

    def test_four_processes_can_start_on_an_empty_root(self, fresh_config: Mnist1dConfig) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, "mnist1d.data"])  # import once, not four times
        together = context.Barrier(4)
        with context.Pool(4, initializer=together.wait) as pool:
            digests = pool.map(digest_of_read, [fresh_config] * 4, chunksize=1)
        assert set(digests) == {digest_of_read(fresh_config)}
        assert only_cache(fresh_config).suffix == ".npz"

    def test_a_root_that_cannot_be_written_is_an_error(
        self, fresh_config: Mnist1dConfig, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match=r"can't be written.*data\.root=FOLDER"):
            read(fresh_config.model_copy(update={"root": str(tmp_path / "file")}))


class TestDigits:
    def test_shapes_and_counts(self, tmp_path: Path) -> None:
        arrays = read(make_config("digits", tmp_path))
        assert arrays.train_inputs.shape == (1437, 1, 8, 8)
        assert arrays.test_inputs.shape == (360, 1, 8, 8)
        assert (arrays.train_inputs.min(), arrays.train_inputs.max()) == (0, 16)
        assert not list(tmp_path.iterdir())

    def test_images_keep_their_order_and_targets(self, tmp_path: Path) -> None:
        from sklearn.datasets import load_digits

        images, targets = load_digits(return_X_y=True)
        arrays = read(make_config("digits", tmp_path))
        joined = np.concatenate([arrays.train_inputs, arrays.test_inputs])
        assert np.array_equal(joined.reshape(1797, 64), images)
        assert np.array_equal(np.concatenate([arrays.train_targets, arrays.test_targets]), targets)


class TestTorchvision:
    def test_mnist_is_as_published(self, mnist_root: Path) -> None:
        mnist = read(make_config("mnist", mnist_root))
        assert mnist.train_inputs.shape == (60_000, 1, 28, 28)
        assert mnist.test_inputs.shape == (10_000, 1, 28, 28)
        assert mnist.train_inputs.dtype == np.uint8
        assert mnist.train_targets[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
        assert mnist.test_targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
        assert mnist.train_inputs.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
        assert len(mnist.class_names) == 10

    def test_a_tenth_of_mnist_is_6000_images(self, mnist_root: Path) -> None:
        dataset = load(make_config("mnist", mnist_root), seed=0)
        assert (len(dataset.train), len(dataset.validation)) == (54_000, 6_000)
        assert len(dataset.test) == 10_000

    @pytest.mark.parametrize(
        "name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"]
    )
    @pytest.mark.parametrize("length", [0, 10, 1000])
    def test_a_truncated_file_is_called_damaged(
        self, mnist_root: Path, tmp_path: Path, name: str, length: int
    ) -> None:
        raw = tmp_path / "MNIST/raw"
        raw.mkdir(parents=True)
        for path in (mnist_root / "MNIST/raw").glob("*ubyte"):
            (raw / path.name).symlink_to(path.resolve())
        start = (raw / name).read_bytes()[:length]
        (raw / name).unlink()
        (raw / name).write_bytes(start)
        with pytest.raises(UserError) as caught:
            read(make_config("mnist", tmp_path))
        assert "is damaged" in str(caught.value)
        assert str(raw) in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "where"),
        [
            ("mnist", "MNIST/raw"),
            ("fashion_mnist", "FashionMNIST/raw"),
            ("kmnist", "KMNIST/raw"),
            ("cifar10", "cifar-10-batches-py"),
        ],
    )
    def test_without_network_the_error_says_where_files_go(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: str
    ) -> None:
        def no_network(*_: object, **__: object) -> None:
            raise OSError("no network")

        monkeypatch.setattr("torchvision.datasets.utils.urllib.request.urlopen", no_network)
        with pytest.raises(UserError, match="can't be downloaded") as caught:
            read(make_config(name, tmp_path))
        assert f"put its files in {tmp_path / where} by hand" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_root_that_cannot_be_written_is_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def forbidden(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")  # a mode would not stop root

        monkeypatch.setattr(os, "makedirs", forbidden)
        with pytest.raises(UserError, match=r"Permission denied.*data\.root=FOLDER"):
            read(make_config("mnist", tmp_path))

    def test_cifar_becomes_channels_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        images = np.arange(5 * 32 * 32 * 3, dtype=np.int32).reshape(5, 32, 32, 3)

        class Cifar:
            def __init__(self, root: Path, train: bool, download: bool) -> None:
                self.data, self.targets = images, [0, 1, 0, 1, 1]
                self.classes = ["plane", "car"]

        monkeypatch.setattr("torchvision.datasets.CIFAR10", Cifar)
        arrays = read(make_config("cifar10", tmp_path))
        assert arrays.train_inputs.shape == (5, 3, 32, 32)
        assert arrays.train_inputs[4, 2, 7, 9] == images[4, 7, 9, 2]
        assert arrays.train_targets.tolist() == [0, 1, 0, 1, 1]
        assert arrays.class_names == ("plane", "car")


def test_an_unknown_set_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no data set mnits: did you mean mnist\?"):
        read(make_config("mnits", tmp_path))
