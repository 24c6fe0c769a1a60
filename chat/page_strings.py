"""The words that the page's modules use, by the names they use (``static/chat/strings.js``)."""

from __future__ import annotations

from django.utils.translation import gettext as _


def page_strings() -> dict[str, str]:
    """In the language of the request. ``%(word)s`` is replaced in the browser."""
    return {
        "you_said": _("You said:"),
        "bot_said": _("%(name)s said:"),
        # How a turn stands.
        "waiting_to_send": _("Waiting to be sent"),
        "not_sent": _("Not sent"),
        "reply_failed": _("No answer came."),
        "reply_stopped": _("Stopped"),
        "reply_interrupted_unheard": _("Interrupted. You did not hear what is struck through."),
        "reply_unheard": _("You did not hear what is struck through."),
        "stopped": _("The answer was stopped."),
        "copied": _("Copied."),
        "rated": _("Thank you for your rating."),
        "unrated": _("Your rating was taken back."),
        "rating_not_sent": _("Your rating could not be sent: there is no connection."),
        # How the bot and the connection stand.
        "state_ready": _("Ready"),
        "state_thinking": _("Thinking…"),
        "state_speaking": _("Speaking"),
        "state_connecting": _("Connecting…"),
        "state_offline": _("Offline"),
        "state_resting": _("Resting"),
        "state_stopped": _("Not connected"),
        "connected_again": _("The connection is back."),
        "banner_offline": _(
            "The connection is lost. What you write is kept and sent as soon as it is back."
        ),
        "banner_unreachable": _(
            "The server cannot be reached. What you write is kept and sent as soon as it can."
        ),
        "banner_resting": _("The conversation rests. It goes on when you write."),
        "banner_login": _("You are not logged in any more. Log in to go on."),
        "banner_forbidden": _("This conversation is not open to you."),
        "banner_deleted": _("This conversation has been deleted."),
        "banner_fault": _(
            "This page and the server do not understand each other any more. Reload the page."
        ),
        # The sound.
        "sound_blocked": _("The browser waits for you before it plays sound."),
        "sound_interrupted": _("Something else on this device has taken the sound."),
        "sound_unavailable": _("This browser cannot play the voice. You can read every reply."),
        "voice_of_engine": _("%(name)s (%(engine)s)"),
        # The composer and the player.
        "characters": _("%(count)s of %(limit)s characters"),
        "play": _("Play"),
        "pause": _("Pause"),
        "time_of": _("%(at)s of %(total)s"),
        "replay_failed": _("The recording could not be played."),
    }
