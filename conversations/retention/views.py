"""For everybody: to delete all of one's own. Asks first, and says what stays."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Min, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.people import asked_to_log_in

from ..access import visible_to
from .erasing import erase


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@asked_to_log_in
def delete_everything(request: HttpRequest) -> HttpResponse:
    """All conversations of the visitor's persons. Their account, or being a guest, stays."""
    own = visible_to(request.user, request.session)
    if request.method == "POST":
        erased = erase(own)
        if erased.gone or not erased.held:
            gone = ngettext(
                "%(count)d conversation was deleted.",
                "%(count)d conversations were deleted.",
                erased.gone,
            )
            messages.success(request, gone % {"count": erased.gone})
        if erased.held:
            held = ngettext(
                "%(count)d conversation has to be kept for legal reasons. It is deleted when these end.",
                "%(count)d conversations have to be kept for legal reasons. They are deleted when these end.",
                erased.held,
            )
            messages.warning(request, held % {"count": erased.held})
        return redirect("conversations")
    all_of_it = own.aggregate(
        conversations=Count("pk", filter=Q(legal_hold=False)),
        turns=Sum("turn_count", filter=Q(legal_hold=False), default=0),
        since=Min("created_at", filter=Q(legal_hold=False)),
        held=Count("pk", filter=Q(legal_hold=True)),
    )
    if not all_of_it["conversations"] and not all_of_it["held"]:
        messages.info(request, _("There is nothing to delete."))
        return redirect("conversations")
    return render(request, "conversations/delete_everything.html", {"all": all_of_it})
