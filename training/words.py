"""Words between English and French, and spelling."""

import random

from .phrasing import choose

# english|french, nouns with their article in French; several English or French forms: first is the answer.
_LISTS = """
red|rouge
blue|bleu
green|vert
yellow|jaune
orange|orange
purple|violet
pink|rose
brown|marron
black|noir
white|blanc
grey/gray|gris
zero|zéro
one|un
two|deux
three|trois
four|quatre
five|cinq
six|six
seven|sept
eight|huit
nine|neuf
ten|dix
eleven|onze
twelve|douze
thirteen|treize
fourteen|quatorze
fifteen|quinze
sixteen|seize
seventeen|dix-sept
eighteen|dix-huit
nineteen|dix-neuf
twenty|vingt
thirty|trente
forty|quarante
fifty|cinquante
sixty|soixante
hundred|cent
thousand|mille
cat|le chat
dog|le chien
bird|l'oiseau
fish|le poisson
horse|le cheval
cow|la vache
sheep|le mouton
pig|le cochon
goat|la chèvre
chicken|le poulet
hen|la poule
duck|le canard
rabbit|le lapin
mouse|la souris
rat|le rat
lion|le lion
tiger|le tigre
bear|l'ours
wolf|le loup
fox|le renard
elephant|l'éléphant
monkey|le singe
snake|le serpent
frog|la grenouille
turtle|la tortue
bee|l'abeille
ant|la fourmi
butterfly|le papillon
spider|l'araignée
fly|la mouche
whale|la baleine
dolphin|le dauphin
shark|le requin
giraffe|la girafe
zebra|le zèbre
donkey|l'âne
owl|le hibou
snail|l'escargot
squirrel|l'écureuil
penguin|le pingouin
crocodile|le crocodile
bread|le pain
water|l'eau
milk|le lait
cheese|le fromage
butter|le beurre
egg|l'œuf
apple|la pomme
pear|la poire
banana|la banane
strawberry|la fraise
cherry|la cerise
lemon|le citron
grape|le raisin
peach|la pêche
tomato|la tomate
potato|la pomme de terre
carrot|la carotte
onion|l'oignon
salad|la salade
soup|la soupe
meat|la viande
rice|le riz
salt|le sel
sugar|le sucre
honey|le miel
chocolate|le chocolat
cake|le gâteau
coffee|le café
tea|le thé
wine|le vin
flour|la farine
bakery|la boulangerie
baker|le boulanger
oven|le four
house|la maison
door|la porte
window|la fenêtre
room|la chambre
kitchen|la cuisine
garden|le jardin
table|la table
chair|la chaise
bed|le lit
lamp|la lampe
key|la clé
cup|la tasse
glass|le verre
plate|l'assiette
knife|le couteau
fork|la fourchette
spoon|la cuillère
bottle|la bouteille
box|la boîte
bag|le sac
book|le livre
pen|le stylo
pencil|le crayon
paper|le papier
letter|la lettre
word|le mot
school|l'école
teacher|le professeur
child|l'enfant
boy|le garçon
girl|la fille
man|l'homme
woman|la femme
friend|l'ami
mother|la mère
father|le père
brother|le frère
sister|la sœur
family|la famille
baby|le bébé
king|le roi
queen|la reine
head|la tête
hand|la main
foot|le pied
eye|l'œil
ear|l'oreille
nose|le nez
mouth|la bouche
tooth|la dent
hair|les cheveux
arm|le bras
leg|la jambe
heart|le cœur
finger|le doigt
sun|le soleil
moon|la lune
star|l'étoile
sky|le ciel
sea|la mer
river|la rivière
lake|le lac
mountain|la montagne
forest|la forêt
tree|l'arbre
flower|la fleur
leaf|la feuille
grass|l'herbe
rain|la pluie
snow|la neige
wind|le vent
fire|le feu
stone|la pierre
island|l'île
beach|la plage
city|la ville
village|le village
street|la rue
road|la route
bridge|le pont
car|la voiture
train|le train
plane|l'avion
boat|le bateau
bike/bicycle|le vélo
bus|le bus
ball|la balle
game|le jeu
music|la musique
song|la chanson
guitar|la guitare
piano|le piano
clock|l'horloge
time|le temps
day|le jour
night|la nuit
morning|le matin
evening|le soir
week|la semaine
month|le mois
year|l'année
today|aujourd'hui
tomorrow|demain
yesterday|hier
monday|lundi
tuesday|mardi
wednesday|mercredi
thursday|jeudi
friday|vendredi
saturday|samedi
sunday|dimanche
spring|le printemps
summer|l'été
autumn/fall|l'automne
winter|l'hiver
circle|le cercle
square|le carré
triangle|le triangle
rectangle|le rectangle
colour/color|la couleur
picture|l'image
shape|la forme
number|le nombre
computer|l'ordinateur
phone|le téléphone
screen|l'écran
shirt|la chemise
shoe|la chaussure
hat|le chapeau
dress|la robe
coat|le manteau
money|l'argent
shop|le magasin
market|le marché
work|le travail
doctor|le médecin
country|le pays
world|le monde
love|l'amour
peace|la paix
life|la vie
dream|le rêve
name|le nom
big|grand
small|petit
good|bon
bad|mauvais
new|nouveau
old|vieux
young|jeune
hot|chaud
cold|froid
fast|rapide
slow|lent
happy|heureux
sad|triste
beautiful|beau
easy|facile
difficult|difficile
open|ouvert
closed|fermé
left|gauche
right|droite
yes|oui
no|non
hello|bonjour
goodbye|au revoir
thank you/thanks|merci
please|s'il vous plaît
to eat|manger
to drink|boire
to sleep|dormir
to walk|marcher
to run|courir
to speak|parler
to read|lire
to write|écrire
to see|voir
to play|jouer
to love|aimer
to work|travailler
to sing|chanter
to dance|danser
to buy|acheter
to give|donner
"""
PAIRS = []
for line in _LISTS.strip().splitlines():
    en, fr = line.split("|")
    PAIRS.append((en.split("/"), fr))


_DIGITS = {en[0]: str(n) for n, (en, fr) in enumerate(PAIRS[[en[0] for en, _ in PAIRS].index("zero") :][:21])}


def bare(french: str) -> str:
    """The French word without its article."""
    for article in ("le ", "la ", "les ", "l'"):
        if french.startswith(article):
            return french[len(article) :]
    return french


EXTRA_SPELLING = """hello world apple orange computer keyboard gemma model picture pixel robot planet window school yellow purple
friend summer winter coffee paris london france fournil bonjour merci fromage croissant baguette maison oiseau papillon ordinateur
demain musique couleur anna marie paul pierre thomas sophie julie emma louis lucas alice john james mary robert simple garden
pepper bottle mirror button pocket basket hammer rocket magic puzzle story number letter little people animal dragon castle forest
""".split()

SPELLABLE = sorted({w for en, fr in PAIRS for w in (en[0], bare(fr)) if " " not in w and "'" not in w and "-" not in w} | set(EXTRA_SPELLING))

TO_FR = [
    "how do you say {q} in french", "what is {q} in french", "what's {q} in french", "translate {q} to french", "translate {q} into french",
    "{w} in french", "{q} in french please", "how to say {q} in french", "what is the french word for {q}", "french for {w}", "say {q} in french",
    "how would you say {q} in french", "what's the french for {q}", "can you translate {q} into french", "give me the french word for {q}", "how do french people say {q}",
    "how is {q} said in french", "tell me {q} in french", "what do they call {q} in french", "i need the word {q} in french", "{w} to french", "word for {q} in french",
]
TO_EN_IN_EN = [
    "what does {q} mean", "what does {q} mean in english", "translate {q} to english", "translate {q} into english", "what is {q} in english", "{w} in english",
    "how do you say {q} in english", "what's {q} in english", "what does the french word {q} mean", "english for {w}", "meaning of {q}", "what is the english word for {q}",
    "what is the meaning of {q}", "the french word {q} means what", "say {q} in english", "can you translate {q} into english", "{w} to english",
]
TO_EN = [
    "comment dit-on {q} en anglais", "comment on dit {q} en anglais", "traduis {q} en anglais", "{w} en anglais", "que veut dire {q} en anglais", "comment dire {q} en anglais",
    "quelle est la traduction de {q} en anglais", "c'est quoi {q} en anglais", "traduire {q} en anglais", "dis {q} en anglais", "peux-tu traduire {q} en anglais", "{q} en anglais s'il te plaît",
    "{q} ça se dit comment en anglais", "quel est le mot anglais pour {q}", "donne-moi {q} en anglais", "comment ça se dit {q} en anglais", "traduction anglaise de {q}", "traduisez {q} en anglais",
]
TO_FR_IN_FR = [
    "que veut dire {q}", "que veut dire {q} en français", "que signifie {q}", "traduis {q} en français", "{w} en français", "comment dit-on {q} en français", "c'est quoi {q} en français",
    "ça veut dire quoi {q}", "{w} ça veut dire quoi", "quelle est la traduction de {q}", "que signifie le mot anglais {q}", "comment on dit {q} en français", "traduire {q} en français",
    "quel est le sens de {q}", "traduisez {q} en français", "traduction de {q} en français",
]
_SPELL_EN = ["spell {w}", "spell the word {w}", "how do you spell {w}", "how do you spell {q}", "can you spell {q}", "please spell {w}", "spelling of {w}", "how is {q} spelled", "spell {q} for me", "what are the letters of {w}", "how to spell {w}", "letters in {w}"]
_SPELL_FR = ["épelle {w}", "epelle {w}", "epele {w}", "comment sécrit {w}", "épelle le mot {w}", "comment s'écrit {w}", "comment ça s'écrit {q}", "peux-tu épeler {q}", "épeler {w}", "comment on écrit {w}", "épelle-moi {q}", "épelez {w}", "quelles sont les lettres de {w}", "comment écrit-on {q}", "comment épelle-t-on {w}"]
_LENGTH_EN = ["how many letters in {w}", "how many letters are there in {q}", "how many letters does {q} have", "how long is the word {w}", "count the letters of {w}", "number of letters in {w}"]
_LENGTH_FR = ["combien de lettres dans {w}", "combien y a-t-il de lettres dans {q}", "combien de lettres a le mot {w}", "{w} ça fait combien de lettres", "compte les lettres de {w}", "nombre de lettres dans {w}"]


def _quoted(w: str, rng: random.Random) -> str:
    return rng.choice([w, w, w, f'"{w}"', f"'{w}'", f"« {w} »", f"“{w}”"])


def fill(template: str, w: str, rng: random.Random) -> str:
    return template.replace("{q}", _quoted(w, rng)).replace("{w}", w)


def translation(rng: random.Random, pair=None) -> tuple[str, str, str]:
    """(language, question, answer)"""
    en_forms, fr = pair or rng.choice(PAIRS)
    en = rng.choice(en_forms)
    shown_fr = fr if rng.random() < 0.35 else bare(fr)
    shown_en = ("the " + en) if fr != bare(fr) and rng.random() < 0.12 else en
    if rng.random() < 0.12 and fr.startswith(("le ", "la ", "l'")):
        shown_fr = ("une " if fr.startswith("la ") else "un ") + bare(fr)
        shown_en = ("an " if en[0] in "aeiou" else "a ") + en
    if en in _DIGITS and rng.random() < 0.2:
        shown_en = shown_fr = _DIGITS[en]
        if rng.random() < 0.5:
            return "en", fill(choose(TO_FR, rng), shown_en, rng), f"In French, “{en}” is “{fr}”."
        return "fr", fill(choose(TO_EN, rng), shown_fr, rng), f"En anglais, « {bare(fr)} » se dit « {en_forms[0]} »."
    kind = rng.random()
    if kind < 0.34:
        return "en", fill(choose(TO_FR, rng), shown_en, rng), f"In French, “{en}” is “{fr}”."
    if kind < 0.5:
        return "en", fill(choose(TO_EN_IN_EN, rng), shown_fr, rng), f"“{bare(fr)}” is “{en_forms[0]}” in English."
    if kind < 0.84:
        return "fr", fill(choose(TO_EN, rng), shown_fr, rng), f"En anglais, « {bare(fr)} » se dit « {en_forms[0]} »."
    return "fr", fill(choose(TO_FR_IN_FR, rng), shown_en, rng), f"« {en} » se dit « {fr} » en français."


def spelling(rng: random.Random, word: str | None = None) -> tuple[str, str, str]:
    w = word or rng.choice(SPELLABLE)
    if word is None and rng.random() < 0.3:  # a word that does not exist
        cut = lambda: (lambda x: x[: rng.randint(2, max(2, len(x) - 1))])(rng.choice(SPELLABLE))
        w = (cut() + cut())[:9]
    shown = rng.choice([w, w, w, w.upper(), w.capitalize()])
    letters = "-".join(w)
    if rng.random() < 0.5:
        return "en", fill(choose(_SPELL_EN, rng), shown, rng), f"It is spelled {letters}."
    return "fr", fill(choose(_SPELL_FR, rng), shown, rng), f"Cela s'écrit {letters}."


def length(rng: random.Random, word: str | None = None) -> tuple[str, str, str]:
    w = word or rng.choice(SPELLABLE)
    n = len(w)
    if rng.random() < 0.5:
        return "en", fill(choose(_LENGTH_EN, rng), w, rng), f"{'-'.join(w)}: {n} letters."
    return "fr", fill(choose(_LENGTH_FR, rng), w, rng), f"{'-'.join(w)} : {n} lettres."
