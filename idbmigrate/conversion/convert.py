"""The main job: a file, or several, become output folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Literal, overload

from idbmigrate.conversion.batch import many
from idbmigrate.conversion.options import Name, Options, Progress, quiet
from idbmigrate.conversion.pipeline import convert_file
from idbmigrate.exporters import publish
from idbmigrate.pseudonyms import load_key
from idbmigrate.result.batch import Batch
from idbmigrate.result.run import Run
from idbmigrate.words import StatedConfidence


@overload
def convert(  # type: ignore[overload-overlap]  # a text is a sequence of texts, too
    path: Name,
    to: str,
    out: Name | None = ...,
    formats: Iterable[str] = ...,
    *,
    source: str | None = ...,
    mapping: Name | None = ...,
    parameters: Mapping[str, str] | None = ...,
    period: str | None = ...,
    split: Literal["month"] | None = ...,
    overlay: Name | Sequence[Name] | None = ...,
    accept: StatedConfidence = ...,
    template: Name | None = ...,
    allow: Iterable[str] = ...,
    check: bool = ...,
    optimise: bool = ...,
    share: bool = ...,
    password: str | None = ...,
    salvage: bool = ...,
    pseudonymise: Name | None = ...,
    overwrite: bool = ...,
    readable_by_others: bool = ...,
    progress: Progress = ...,
    notice: Progress = ...,
    each: Callable[[Run], object] | None = ...,
    keep_going: bool = ...,
) -> Run: ...


@overload
def convert(
    path: Sequence[Name],
    to: str,
    out: Name | None = ...,
    formats: Iterable[str] = ...,
    *,
    source: str | None = ...,
    mapping: Name | None = ...,
    parameters: Mapping[str, str] | None = ...,
    period: str | None = ...,
    split: Literal["month"] | None = ...,
    overlay: Name | Sequence[Name] | None = ...,
    accept: StatedConfidence = ...,
    template: Name | None = ...,
    allow: Iterable[str] = ...,
    check: bool = ...,
    optimise: bool = ...,
    share: bool = ...,
    password: str | None = ...,
    salvage: bool = ...,
    pseudonymise: Name | None = ...,
    overwrite: bool = ...,
    readable_by_others: bool = ...,
    progress: Progress = ...,
    notice: Progress = ...,
    each: Callable[[Run], object] | None = ...,
    keep_going: bool = ...,
) -> Batch: ...


def convert(
    path: Name | Sequence[Name],
    to: str,
    out: Name | None = None,
    formats: Iterable[str] = ("csv",),
    *,
    source: str | None = None,
    mapping: Name | None = None,
    parameters: Mapping[str, str] | None = None,
    period: str | None = None,
    split: Literal["month"] | None = None,
    overlay: Name | Sequence[Name] | None = None,
    accept: StatedConfidence = "inferred",
    template: Name | None = None,
    allow: Iterable[str] = (),
    check: bool = True,
    optimise: bool = True,
    share: bool = False,
    password: str | None = None,
    salvage: bool = False,
    pseudonymise: Name | None = None,
    overwrite: bool = False,
    readable_by_others: bool = False,
    progress: Progress = quiet,
    notice: Progress = quiet,
    each: Callable[[Run], object] | None = None,
    keep_going: bool = True,
) -> Run | Batch:
    """Convert a file, or several, and publish the output folder ``out`` whole or not at all.

    Gives a :class:`~idbmigrate.result.run.Run`, for a list of files a
    :class:`~idbmigrate.result.batch.Batch` with a run and a folder for each; or with summaries alone where
    ``each`` is called with every run in turn, so that no more than one is in memory. A file of a list that
    fails is in ``Batch.failed``, unless ``keep_going`` is false.

    Without ``out`` nothing is written; only its owner may read the folder, unless it is
    ``readable_by_others``; ``overwrite`` replaces one that an earlier run has written. ``progress`` is told
    what is being done, ``notice`` what the user should know, such as that the remains of a stopped run were
    removed. ``pseudonymise`` is a file with a key: what is written holds pseudonyms and nothing else that
    identifies directly; the run itself holds the true values. All other arguments are those of
    :class:`~idbmigrate.conversion.options.Options`. Raises errors of :mod:`idbmigrate.errors`; ``books-open``
    where a row or value would be lost.
    """
    options = Options(
        to,
        tuple(formats),
        source=source,
        mapping=mapping,
        parameters=dict(parameters or {}),
        period=period,
        split=split,
        overlay=overlay,
        accept=accept,
        template=template,
        allow=tuple(allow),
        check=check,
        optimise=optimise,
        share=share,
        password=password,
        salvage=salvage,
        pseudonymise=load_key(pseudonymise, out, notice) if pseudonymise is not None else None,
    )
    one = isinstance(path, (str, os.PathLike))
    paths = [Path(item) for item in ((path,) if isinstance(path, (str, os.PathLike)) else path)]
    folder: publish.Folder | nullcontext[None] = nullcontext()
    if out is not None:
        folder = publish.Folder(
            out, overwrite=overwrite, sources=paths, readable_by_others=readable_by_others, notice=notice
        )
    result: Run | Batch
    with folder as place:
        if one:
            result = convert_file(paths[0], place, options, progress)
        else:
            run_one = partial(convert_file, options=options, progress=progress)
            result = many(paths, place, run_one, each, keep_going)
    result.out = str(out) if out is not None else None
    return result
