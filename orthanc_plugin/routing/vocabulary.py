"""The regions of the body by our names, and the words for them in six languages; data, read by body_part.py.

A word that ends in `*` may go on; one that begins with `^` stands at the beginning of a word, also in Korean. Words
that speak of no region, though they contain the name of one, stand under the empty name.
"""

from __future__ import annotations

from typing import Literal, get_args

Part = Literal[
    "head",
    "neck",
    "chest",
    "breast",
    "abdomen",
    "pelvis",
    "spine",
    "cervical-spine",
    "thoracic-spine",
    "lumbar-spine",
    "sacrum",
    "arm",
    "shoulder",
    "elbow",
    "wrist",
    "hand",
    "leg",
    "hip",
    "knee",
    "ankle",
    "foot",
    "whole-body",
]
PARTS: tuple[str, ...] = get_args(Part)
WHOLE = {
    "cervical-spine": "spine",
    "thoracic-spine": "spine",
    "lumbar-spine": "spine",
    "sacrum": "spine",
    "shoulder": "arm",
    "elbow": "arm",
    "wrist": "arm",
    "hand": "arm",
    "hip": "leg",
    "knee": "leg",
    "ankle": "leg",
    "foot": "leg",
}
"""What each part belongs to: who sees the knee sees a leg."""

TERMS = {
    "ABDPELVIS": "abdomen pelvis",
    "ABDPEL": "abdomen pelvis",
    "ABDOMENPELVIS": "abdomen pelvis",
    "CHESTABDOMEN": "chest abdomen",
    "CHESTABD": "chest abdomen",
    "THORAXABDOMEN": "chest abdomen",
    "THORAXABD": "chest abdomen",
    "CHESTABDPELVIS": "chest abdomen pelvis",
    "CHESTABDOMENPELVIS": "chest abdomen pelvis",
    "CHESTTOPELVIS": "chest abdomen pelvis",
    "HEADNECK": "head neck",
    "HEADANDNECK": "head neck",
    "NECKCHEST": "neck chest",
    "NECKCHESTABDOMEN": "neck chest abdomen",
    "NECKCHESTABDPELVIS": "neck chest abdomen pelvis",
    "HEADTOPELVIS": "head neck chest abdomen pelvis",
    "CTSPINE": "cervical-spine thoracic-spine",
    "TLSPINE": "thoracic-spine lumbar-spine",
    "LSSPINE": "lumbar-spine sacrum",
    "SSPINE": "sacrum",
    "WHOLESPINE": "cervical-spine thoracic-spine lumbar-spine",
    "TIBIAFIBULA": "leg",
    "RADIUSULNA": "arm",
    "BILEDUCT": "abdomen",
    "CORONARYARTERY": "chest",
    "CIRCLEOFWILLIS": "head",
    "SUBMANDIBULAR": "neck",
    "PELVISLOWEXTREMT": "pelvis leg",
}
"""Terms of BodyPartExamined whose words run together (PS3.16 Annex L and what scanners make of it)."""

WORDS = {
    "": "head first, feet first, foot first, headfirst, feetfirst, arms up, arms down, "
    "arm up, arm down, left arm injection, right arm injection, hand injection, portal vein, coronary sinus, 하지 않, "
    "手術, lumbar puncture",
    "head": "head, brain*, skull, crani*, cerebr*, cerebell*, face, facial, facial bones, orbit*, sinus, sinuses, "
    "paranasal*, temporal bone*, iac, iacs, internal auditory canal*, sella*, pituitar*, tmj, temporomandibular*, "
    "mandib*, maxill*, dental, jaw, ear, ears, eye, eyes, nose, nasal*, mastoid*, intracran*, circle of willis, scalp, "
    "cochlea*, tongue, mouth, zygoma, fontanel*, encephal*, "
    "schadel*, schaedel*, kopf*, gehirn*, hirn*, cct, nnh, nasennebenhohle*, nasennebenhoehle*, felsenbein*, "
    "gesicht*, tete, cerveau, massif facial, rochers, craneo*, cabeza, cerebro, senos paranasales, cara, "
    "머리, 두부, 두개, 뇌, 뇌혈관, 안면, 부비동, 측두골, 안와, 頭部, 脳, 頭蓋, 副鼻腔, 眼窩, 顔面, 側頭骨",
    "head neck": "두경부, 頭頸部, 頭頚部, head and neck, head & neck",
    "neck": "neck, larynx, laryng*, pharynx, pharyng*, nasopharyn*, hypopharyn*, thyroid*, parathyroid*, carotid*, "
    "salivary, submandib*, hals, halsweichteil*, schilddruse*, schilddruese*, kehlkopf*, cou, "
    "cuello, tiroid*, laringe, 경부, 목, 갑상선, 경동맥, 頸部, 頚部, 甲状腺, 喉頭",
    "neck cervical-spine": "cervical*",
    "chest": "chest, thorax*, thorac*, lung*, pulmon*, heart, cardiac*, cardio*, coronary, coronaries, mediastin*, "
    "echocardio*, rib, ribs, stern*, bronch*, esophag*, oesophag*, axilla*, trachea*, thymus*, hrct, ctpa, ldct, "
    "aortic arch, cxr, lunge*, herz*, rippe*, brustkorb*, brustbein*, poumon*, coeur, cardiaque*, coronaire*, torax*, "
    "toracic*, corazon, costilla*, pecho, 흉부, 가슴, 폐, 폐암, 저선량폐, 심장, 관상동맥, 늑골, 종격동, 胸部, 肺, "
    "心臓, 冠動脈, 縦隔, 肋骨",
    "chest abdomen": "胸腹部, 흉복부, thoraco-abdom*, thoracoabdom*, thorakoabdom*",
    "chest abdomen pelvis": "cap, tap, c/a/p, t/a/p, c-a-p, chest to pelvis, 胸腹部骨盤, 胸腹骨盤",
    "breast": "breast*, mammo*, mamma, mammae, sein, seins, mammaire*, mama, mamas, mamogra*, mamari*, 유방, "
    "유선, 乳房, 乳腺, マンモ",
    "chest breast": "brust",
    "abdomen": "renal pelvis, abd, abdo, abdom*, liver, hepat*, kidney*, renal*, pancrea*, spleen, splen*, "
    "gallbladder*, biliar*, bile, mrcp, adrenal*, stomach, gastr*, bowel*, enterogra*, colon, colonogra*, kub, "
    "urogra*, ureter*, retroperiton*, appendi*, mesenter*, duoden*, jejun*, ileum, "
    "bauch*, oberbauch*, unterbauch*, leber*, niere*, nebenniere*, milz*, magen*, darm*, dunndarm*, duenndarm*, "
    "pankreas*, galle*, foie, rein, reins, surrenal*, estomac, higado, rinon*, bazo, vesicula, vientre, "
    "복부, 상복부, 하복부, 간, 신장, 췌장, 비장, 담낭, 담도, 위장, 요로, 腹部, 上腹部, 下腹部, 肝, 腎, 膵, 脾, 胆, "
    "大腸",
    "abdomen pelvis": "복부골반, 腹部骨盤, abd/pel",
    "pelvis": "pelv*, pel, prostat*, uter*, ovar*, bladder*, rectum, rectal, cervix, vagin*, vulva, scrot*, testi*, "
    "penis, perine*, sacroiliac*, si joint*, isg, endometr*, ilium, becken*, blase, harnblase*, gebarmutter*, "
    "gebaermutter*, bassin*, vessie, cervical cancer, vejiga, recto, "
    "골반, 전립선, 자궁, 방광, 난소, 직장, 骨盤, 前立腺, 子宮, 膀胱, 卵巣, 直腸",
    "spine": "spine, spines, spinal*, vertebra*, myelo*, scolio*, spondyl*, wirbelsaule*, wirbelsaeule*, rachis*, "
    "colonne vertebrale, columna*, back, 척추, 척수, 脊椎, 脊柱, 脊髄",
    "cervical-spine thoracic-spine lumbar-spine": "whole spine, total spine, entire spine, full spine, "
    "ganzwirbelsaule*, ganze wirbelsaule, rachis entier, rachis complet, columna completa, 전척추, 전척추부, 全脊椎",
    "cervical-spine": "c-spine, cspine, c spine, cervical spine, cervical vertebra*, hws, halswirbel*, "
    "rachis cervical*, colonne cervicale, columna cervical*, 경추, 頸椎, 頚椎",
    "thoracic-spine": "t-spine, tspine, t spine, d-spine, thoracic spine, dorsal spine, thoracic vertebra*, bws, "
    "brustwirbel*, rachis dorsal*, rachis thoracique*, colonne dorsale, columna dorsal*, columna toracic*, 흉추, 胸椎",
    "lumbar-spine": "l-spine, lspine, l spine, ls spine, l-s spine, lumbar*, lumbo*, lws, lendenwirbel*, "
    "rachis lombaire*, lombaire*, columna lumbar*, 요추, 요천추, 腰椎",
    "thoracic-spine lumbar-spine": "thoracolumbar*, thoraco-lumbar*, t-l spine, tl spine, dorsolumbar*, 흉요추, 胸腰椎",
    "sacrum": "sacr*, coccy*, kreuzbein*, steissbein*, 천추, 천골, 미골, 仙骨, 尾骨",
    "arm": "arm, arms, upper arm*, forearm*, upper extremit*, upper limb*, humer*, radius, ulna, oberarm*, unterarm*, "
    "obere extremitat*, bras, avant-bras, avant bras, membre superieur*, membres superieurs, brazo*, antebrazo*, "
    "extremidad superior, extremidades superiores, miembro superior*, 팔, 상지, 상완, 전완, 上肢, 上腕, 前腕",
    "shoulder": "shoulder*, scapul*, clavic*, glenohumer*, acromio*, schulter*, schlusselbein*, epaule*, hombro*, "
    "clavicul*, 어깨, 견관절, 쇄골, 肩, 鎖骨",
    "elbow": "elbow*, ellbogen*, ellenbogen*, coude*, codo*, 팔꿈치, 주관절, 肘",
    "wrist": "wrist*, carpal*, carpus, scaphoid*, handgelenk*, poignet*, muneca*, 손목, 수근, 手関節, 手根",
    "hand": "hand, hands, finger*, thumb*, metacarp*, mittelhand*, daumen*, mains, main droite, main gauche, doigt*, "
    "mano, manos, dedo*, 손, 수부, 손가락, 手部, 手指, 両手",
    "leg": "leg, legs, lower leg*, lower extremit*, lower limb*, femur*, femoral*, thigh*, tibia*, fibula*, calf, "
    "calves, bein, beine, oberschenkel*, unterschenkel*, untere extremitat*, jambe*, cuisse*, membre inferieur*, "
    "membres inferieurs, pierna*, muslo*, extremidad inferior, extremidades inferiores, miembro inferior*, "
    "다리, ^하지, 대퇴, 하퇴, 下肢, 大腿, 下腿",
    "hip": "hip, hips, femoral neck*, neck of femur, femoral head*, acetabul*, buttock*, hufte, hufte*, huftgelenk*, "
    "hueft*, huft*, schenkelhals*, hanche*, col du femur, col femoral, tete femorale, cadera*, cuello femoral, "
    "고관절, 엉덩이, 股関節",
    "knee": "knee*, patell*, menisc*, popliteal*, knie*, genou*, rodilla*, 무릎, 슬관절, 膝",
    "ankle": "ankle*, sprunggelenk*, osg, cheville*, tobillo*, 발목, 족관절, 足関節",
    "foot": "foot, feet, forefoot, midfoot, toe, toes, calcane*, heel, metatars*, fuss*, vorfuss*, mittelfuss*, zehe*, "
    "pied, pieds, orteil*, pie, pies, talon, 발, 족부, 발가락, 足部, 足趾, 両足",
    "whole-body": "whole body, whole-body, wholebody, entire body, total body, wb, skull base to mid thigh, "
    "skull base to thigh*, eyes to thighs, vertex to toes, ganzkorper*, ganzkoerper*, corps entier, cuerpo entero, "
    "cuerpo completo, 전신, 全身",
}
