"""The words that the page's modules use, by the names they use (``static/voicechat/strings.js``)."""

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
        "reply_lost": _("The server was lost in the middle of this answer."),
        "reply_stopped": _("Stopped"),
        "reply_not_read": _("Not read aloud"),
        "reply_not_heard": _("Not heard"),
        "unheard_show": _("Not heard · show"),
        "unheard_hide": _("Not heard · hide"),
        "reply_interrupted_unheard": _("Interrupted. You did not hear what is struck through."),
        "reply_unheard": _("You did not hear what is struck through."),
        "asked": _("The bot asks you to fill in a form."),
        "ask_send": _("Send"),
        "stopped": _("The answer was stopped."),
        "copied": _("Copied."),
        "rated": _("Thank you for your rating."),
        "unrated": _("Your rating was taken back."),
        "rating_not_sent": _("Your rating could not be sent: there is no connection."),
        # How the bot and the connection stand.
        "state_ready": _("Ready"),
        "state_thinking": _("Thinking…"),
        "state_speaking": _("Speaking"),
        "state_held": _("Listening to you"),
        "state_connecting": _("Connecting…"),
        "state_offline": _("Offline"),
        "state_resting": _("Resting"),
        "state_stopped": _("Not connected"),
        "watched": _("Our staff are reading along now."),
        "watched_no_longer": _("Our staff do not read along any more."),
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
        # The microphone.
        "talk": _("Open the microphone"),
        "talk_close": _("Close the microphone"),
        "talk_hold": _("Hold to talk"),
        "talk_none": _("Voice input is not available here"),
        "talk_opening": _("Opening the microphone…"),
        "talk_asking": _("Allow the microphone in the question of your browser"),
        "talk_away": _("Waiting for the connection"),
        "talk_listening": _("Listening"),
        "talk_hearing": _("Hearing you"),
        "talk_endpointing": _("One moment…"),
        "talk_ready": _("Hold to talk"),
        "talk_speak": _("Speak now"),
        "talk_muted": _("Muted"),
        "talk_slow": _("The connection is slow"),
        "talk_nothing": _("I did not catch that"),
        "talk_note_hold": _("The button, or the space bar"),
        "talk_note_mute": _("%(keys)s mutes"),
        "talk_note_unmute": _("%(keys)s goes on"),
        "mute_title": _("Mute the microphone (M, or %(keys)s while you type)"),
        "voice_kept": _("Your voice is kept"),
        "voice_not_kept": _("Only text is kept"),
        "opened": _("The microphone is open."),
        "closed": _("The microphone is closed."),
        "muted": _("The microphone is muted."),
        "unmuted": _("The microphone is open again."),
        "mode_open": _("The microphone hears you all the time."),
        "mode_push_to_talk": _("The microphone hears you while you hold the button."),
        "speech_cut_off": _("The connection was lost while you spoke."),
        "record_notice": _(
            "What you say is recorded and kept with the conversation, so that it can be heard again."
        ),
        "record_question": _(
            "May your voice be kept with the conversation, so that it can be heard again?"
            " If not, only its text is kept."
        ),
        "continue": _("Continue"),
        "yes": _("Yes"),
        "no": _("No"),
        "remedy_again": _("Try again"),
        "remedy_default": _("Use the default microphone"),
        "remedy_choose": _("Choose another"),
        "remedy_resume": _("Go on"),
        "remedy_here": _("Use it here"),
        "microphone_default": _("Default"),
        "microphone_number": _("Microphone %(number)s"),
        "microphone_missing": _("Your usual microphone is not there. The default one is used."),
        "microphone_insecure": _(
            "The microphone needs HTTPS. Open this page at an address that begins with https://."
            " You can go on typing."
        ),
        "microphone_unsupported": _(
            "This browser cannot take in your voice. A current one can. You can go on typing."
        ),
        "microphone_unavailable": _("Voice input is not available here. You can go on typing."),
        "microphone_dismissed": _(
            "Your browser asked whether this page may use the microphone, and was not answered."
        ),
        "microphone_denied": _(
            "Your browser does not let this page use the microphone. Allow it in the settings of"
            " this page, beside its address, then try again."
        ),
        "microphone_denied_by_system": _(
            "Your system does not let the browser use the microphone. Allow it in the privacy"
            " settings of the system, then try again."
        ),
        "microphone_no_device": _("There is no microphone. Connect one, then try again."),
        "microphone_in_use": _(
            "The microphone cannot be used now; another program may have it. Close that program,"
            " then try again."
        ),
        "microphone_unplugged": _("The microphone is gone. Was it unplugged?"),
        "microphone_failed": _("The microphone could not be opened."),
        "microphone_silent": _(
            "Nothing comes from the microphone. Is it switched off, or turned down?"
        ),
        "microphone_muted_by_system": _(
            "The microphone is muted, by its own switch or by the system."
        ),
        "microphone_interrupted": _("Something else on this device has taken the microphone."),
        "microphone_elsewhere": _(
            "The microphone is open in another tab, so that it was closed here."
        ),
        # The composer and the player.
        "characters": _("%(count)s of %(limit)s characters"),
        "play": _("Play"),
        "pause": _("Pause"),
        "time_of": _("%(at)s of %(total)s"),
        "replay_failed": _("The recording could not be played."),
    }
