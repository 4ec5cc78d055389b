"""Which names are hosts: those under a top-level domain that people write without ``https://``."""

_COUNTRIES = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg
ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi
gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw
ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng
ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn
so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws
ye yt za zm zw
"""
_GENERIC = """
academy africa agency amsterdam app archi art arte asia audio band bank barcelona bayern bbc berlin bet bike bio biz
blog blue boston brussels build business cafe cam camp capital care cat center chat city cloud club coach codes coffee
college cologne com community company coop cymru dance data date day design dev digital direct earth edu education
email energy events example expert express family fan fans farm film finance fit fm football forum foundation fun fund
fyi gallery game games gay global gmbh gov green group guide hamburg health help hiphop history home horse host hotel
house icu info ing ink institute int international irish istanbul jobs kids koeln kyoto land law legal lgbt life link
live lol london love ltd madrid market marketing media men miami mil mobi moe mom money moscow museum music name
nagoya net network new news ngo ninja nrw nyc observer okinawa one ong online org osaka page paris partners party
photo photos pics pictures pink place plus poker porn post press pro productions pub quebec radio rest restaurant
review reviews rio rocks ruhr run saarland sale school science scot security shop show site ski social software solar
solutions space sport stockholm store stream studio style support surf swiss systems taipei tax taxi team tech
technology theater theatre tickets tips tirol today tokyo tools top tours town toys travel tube university vegas video
vip vision vlaanderen vote voting wales watch weather web website wiki win wine work works world wtf xxx xyz yoga
yokohama zone zuerich
"""
_FILES = "csv doc docx gif htm html jpeg jpg js json md mov mp3 mp4 pdf png ppt pptx py svg txt webp xls xlsx xml zip"

_KNOWN = frozenset((_COUNTRIES + _GENERIC).split())
_FILE_ENDINGS = frozenset(_FILES.split())


def is_host(name: str) -> bool:
    """Return whether ``name`` is one of a host: with ``www.`` in front, or under a known top-level domain."""
    labels = name.lower().rstrip(".").split(".")
    if len(labels) < 2 or not all(labels):
        return False
    return (labels[0] == "www" and len(labels) > 2) or labels[-1] in _KNOWN


def is_file(name: str) -> bool:
    """Return whether ``name`` is one of a file, as ``README.md`` is and ``www.example.zip`` is not."""
    is_plain = "/" not in name and not name.lower().startswith("www.")
    return is_plain and name.lower().rsplit(".", 1)[-1] in _FILE_ENDINGS
