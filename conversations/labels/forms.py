"""The forms that reviewers fill in. Each carries the version of what it was filled in from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Conversation, Grade, Tag, Turn
from ..visible_text import without_hidden
from .keeping import Labels, correction_version_of, labels_of, version_of
from .tag_names import CHARS, PER_CONVERSATION, cleaned

NOTE_CHARS = 10_000
CORRECTION_CHARS = 20_000
# Boxes for the tags that were put on most often lately; others are suggested while one types.
LATELY = 500
OFFERED_TAGS = 12
SUGGESTED_TAGS = 200


class Lines(forms.CharField):
    """Text of several lines, each counted to end in one character, as browsers do.

    Characters that would hide, or reorder what others read, are left out.
    """

    def to_python(self, value: Any) -> str:
        return without_hidden(super().to_python(value) or "")


class NewTags(forms.CharField):
    """Names of tags, with commas between them."""

    def to_python(self, value: Any) -> tuple[str, ...]:  # type: ignore[override]
        names = (super().to_python(value) or "").split(",")
        return tuple(cleaned(name) for name in names if name.strip())

    def run_validators(self, value: Any) -> None:
        """``cleaned`` has said all."""


class KnownTags(forms.MultipleChoiceField):
    """Boxes of tags. One that somebody has renamed or deleted meanwhile may still be ticked."""

    def valid_value(self, value: str) -> bool:
        return cleaned(value) == value


def new_tags(*, required: bool) -> NewTags:
    """The field to type tags in; a page that has it shows ``suggested_tags`` under this id."""
    return NewTags(
        label=gettext_lazy("Other tags"),
        help_text=gettext_lazy("With commas between them."),
        required=required,
        max_length=(CHARS + 2) * PER_CONVERSATION,
        widget=forms.TextInput(attrs={"list": "suggested-tags", "autocomplete": "off"}),
    )


def suggested_tags() -> list[str]:
    return list(Tag.objects.values_list("name", flat=True)[:SUGGESTED_TAGS])


class LabelForm(forms.Form):
    """What is noted in a whole conversation."""

    grade = forms.TypedChoiceField(
        label=gettext_lazy("Grade"),
        choices=[("", gettext_lazy("no grade")), *Grade.choices],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )
    tags = KnownTags(
        label=gettext_lazy("Tags"), required=False, widget=forms.CheckboxSelectMultiple
    )
    new_tags = new_tags(required=False)
    note = Lines(
        label=gettext_lazy("Note"),
        required=False,
        max_length=NOTE_CHARS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    reviewed = forms.BooleanField(label=gettext_lazy("Reviewed"), required=False)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, conversation: Conversation) -> None:
        stored = labels_of(conversation)
        super().__init__(
            data,
            initial={
                "grade": "" if stored.grade is None else stored.grade,
                "tags": sorted(stored.tags),
                "note": stored.note,
                "reviewed": stored.reviewed,
                "seen": version_of(conversation, stored),
            },
        )
        ticked = data.getlist("tags") if data is not None else ()
        boxes = self.fields["tags"]
        assert isinstance(boxes, forms.MultipleChoiceField)
        boxes.choices = [(name, name) for name in _offered({*stored.tags, *_usable(ticked)})]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if len(self._names(found)) > PER_CONVERSATION:
            raise ValidationError(
                _("A conversation has at most %(count)d tags.") % {"count": PER_CONVERSATION}
            )
        return found

    @property
    def labels(self) -> Labels:
        """What a valid form asks for."""
        given = self.cleaned_data
        return Labels(given["grade"], given["note"], self._names(given), given["reviewed"])

    @staticmethod
    def _names(given: dict[str, Any]) -> frozenset[str]:
        return frozenset([*given.get("tags", ()), *given.get("new_tags", ())])


class TagsForm(forms.Form):
    """Tags for many conversations."""

    new_tags = new_tags(required=True)


class CorrectionForm(forms.Form):
    """What was really said in one turn."""

    text = Lines(
        label=gettext_lazy("What was really said"),
        required=False,
        max_length=CORRECTION_CHARS,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, turn: Turn) -> None:
        super().__init__(
            data,
            # Each has a page of 200 of them around it.
            auto_id=f"correct-{turn.pk}-%s",
            initial={
                "text": turn.corrected_text or without_hidden(turn.text),
                "seen": correction_version_of(turn),
            },
        )


def _offered(these: Iterable[str]) -> list[str]:
    """The names of these tags and of those that were used most lately, in alphabetical order."""
    put_on = Conversation.tags.through.objects.order_by("-pk")
    lately = Counter(put_on.values_list("tag__name", flat=True)[:LATELY])
    return sorted({*these, *dict(lately.most_common(OFFERED_TAGS))}, key=str.casefold)


def _usable(names: Iterable[str]) -> list[str]:
    """Those of them that a tag can be called."""
    usable = []
    for name in names:
        try:
            usable.append(cleaned(name))
        except ValidationError:
            continue
    return usable
