import asyncio, pytest
from tests.e2e.test_voicebot import *
from tests.speech.recordings import cards, readings
async def test_all(server):
    for start, rate in ((VOICEBOT,8000),(EXOTEL_16K,16000)):
      for r in [*cards()[:4], readings()[1], readings()[4]]:
        async with call(server, start, rate) as c:
            await c.send(event="dtmf", dtmf={"digit":"#"})
            await asyncio.sleep(2.5)
            c.say(r.pcm(rate))
            await asyncio.sleep(len(r.pcm(rate))/2/rate+2.5)
        await asyncio.sleep(.3)
        print(rate, r.text, "->", [t[1] for t in stored(server, start["start"].get("call_sid")) if t[0]=="user"])
    print(server.log.read_text()[-2000:])
