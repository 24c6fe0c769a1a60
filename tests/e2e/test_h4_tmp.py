import pytest
from tests import services
from tests.e2e.test_talking_in_the_page import test_what_is_said_at_the_page_is_understood_answered_and_kept as test_it

@pytest.fixture(scope="module")
def live_server_process(tmp_path_factory):
    with services.voicechat_server(tmp_path_factory.mktemp("server"), {"VOICECHAT_STT": "speech.stt.pocketsphinx.PocketsphinxRecogniser"}) as server:
        yield server
