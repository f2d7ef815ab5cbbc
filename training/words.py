"""Words between English and French, and spelling."""

import random

from .phrasing import choose, typographic

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
    "french: {q}", "{w} = ? in french", "translate: {w}", "{w} translation", "english to french: {w}", "how do i ask for {q} in french", "translate {w}", "{w} in the french language", "translation of {q}", "what's {w} called in france", "en>fr {w}", "what is {w} for the french", "{w} -> french", "{q} en francais",
    "how do you say {q} in french", "can you say {q} in french", "what is {q} in french", "what's the word for {q} in french", "translate to french: {w}",
    "what is the translation of {q} in french", "i'd like to say {q} in french", "how do i say {q} in french", "how u say {w} in french",
    "i would like to know how to say {q} in french", "what french word means {q}", "can you tell me how to say {q} in french", "what is the word for {q} in french",
    "can you tell me the french word for {q}", "the french for {q}", "i need the french word for {q}", "could you give me the french for {q}",
    "give me the translation of {q} in french", "what is the translation of {q} into french", "whats {w} in french", "how to translate {q} into french",
    "wats {w} in french", "translate into french: {w}", "tell me how you say {q} in french", "what's french for {q}", "what's the french word for {q}",
    "the word {q} in french", "i need to say {q} in french", "what's {q} in french", "which french word means {q}", "translate {q} to french",
    "translate {q} into french", "please translate {q} into french", "please say {q} in french", "how should i say {q} in french",
    "{w} in french", "{w} into french", "{q} in french please", "what do the french say for {q}", "the french for {w}", "give me {q} in french",
    "say the word {q} in french", "i'd like to know the french for {q}", "in french {q} is", "translate {w} to french please", "{w} - french",
    "translation of {q} in french", "what would {q} be in french", "how to say {q} in french", "i wonder how to say {q} in french",
    "what do you say for {q} in french", "how can you say {q} in french", "how do they say {q} in french", "{w} translated to french",
    "how is {q} translated in french", "french translation of {q}", "what do you call {q} in french", "tell me the french for {q}",
    "how would you translate {q} into french", "what is the french word for {q}", "translate in french: {w}", "say {w} in french please",
    "do you know how to say {q} in french", "french for {w}", "translate {q} in french", "hello, what is {q} in french", "i forgot the french word for {q}",
    "say {q} in french", "please give me the french for {q}", "tell me what {q} is in french", "do you know the french word for {q}",
    "{q}, how do you say that in french", "can you tell me {q} in french", "give me the french translation of {q}", "how to translate {q} in french",
    "{q}, in french", "how would you say {q} in french", "how's {q} in french", "hi, how do you say {q} in french", "french for {q} please",
    "could you tell me the french for {q}", "what's the french for {q}", "could you translate {q} into french", "{w} in french is",
    "i don't know how to say {q} in french", "how do you write {q} in french", "which word means {q} in french", "how is {q} in french",
    "can you give me {q} in french", "translate this into french: {w}", "please translate {q} to french", "in french, {w}", "can you translate {q} into french",
    "give me the french word for {q}", "how do french people say {q}", "french: {w}", "would you translate {q} to french", "how can i say {q} in french",
    "give the french for {w}", "in french, what is {q}", "i need {q} in french", "how is {q} said in french", "tell me {q} in french",
    "translation of {q} into french", "in french, how do you say {q}", "what is the french for {q}", "into french: {w}", "{w} in fr",
    "what is the french translation of {q}", "give me the french for {q}", "what do they call {q} in french", "how say {w} in french",
    "i want to know {q} in french", "{w} french translation", "do you know the french for {q}", "i need the word {q} in french", "how do they say {q} in france",
    "{q} in french, what is it", "do you know {q} in french", "french for {q}", "how do you call {q} in french", "how would a french person say {q}",
    "could you say {q} in french", "in french: {w}", "what does one say for {q} in french", "what is french for {q}", "{w} to french", "show me {q} in french",
    "what do french people call {q}", "french word for {w}", "translation to french of {q}", "how would i say {q} in french", "i want the french for {q}",
    "i want to say {q} in french", "the word {q}, in french please", "word for {q} in french", "tell me how to say {q} in french", "tell me the french word for {q}",
    "the french word for {q}", "word for {w} in french",
    "translate {q}", "translate: {q}",
]
TO_EN_IN_EN = [
    "french to english: {w}", "what is {w} in the english language", "translate: {w}", "french word {w}, english please", "what is {w}, in english", "{w} is french for what", "fr>en {w}", "{w} -> english",
    "what does {q} mean", "what does {q} mean in english", "i don't know the french word {q}", "which english word means {q}", "do you know the english for {q}",
    "the word {q} in english", "give me the translation of {q} in english", "translate {q} to english",
    "translate into english: {w}", "i would like to know the meaning of {q}", "translate this into english: {w}", "translate {w} from french",
    "english word for {q}", "what would {q} be in english", "what does the word {q} mean in english", "translate from french: {w}",
    "could you tell me what {q} means", "translate {q} into english", "how is {q} translated in english", "what is {q} in english",
    "what's the english word for {q}", "{w} in english", "what is the translation of {q}", "how can i say {q} in english", "i need {q} in english",
    "english for {q}", "i don't know what {q} means", "what is the english translation of {q}", "translate {q} in english", "what does {q} translate to in english",
    "i want to know what {q} means", "give me the meaning of {q}", "how do you say {q} in english", "translate {q}", "{q} in english",
    "what do you call {q} in english", "how do i say {q} in english", "what do they call {q} in english", "tell me what {q} means in english",
    "give me the english word for {q}", "what's {q} in english", "in english, what is {q}", "what does {w} mean", "english: {w}", "{w} in english please",
    "what does the french word {q} mean", "meaning of the word {q}", "what's the english for {q}", "{w}, what does it mean", "explain the french word {q}",
    "what does the word {q} mean", "how to translate {q} to english", "english for {w}", "{w} into english", "{w} translated to english",
    "what is the meaning of the french word {q}", "translation of {q} in english", "can you translate {q}", "can you say {q} in english",
    "can you tell me what {q} means", "meaning of the french word {q}", "english word for {w}", "what is the meaning of {q} in english",
    "hello, what is {q} in english", "i read {q} in french, what is it", "could you translate {q} into english", "meaning of {w}", "how do they say {q} in english",
    "please say {q} in english", "english translation of {q}", "in english, {w}", "meaning of {q}", "tell me the english for {q}", "in english: {w}",
    "what does {q} translate to", "how do you translate {q}", "what is english for {q}", "tell me {q} in english", "give me the english for {q}",
    "the meaning of {q}", "translation of {w}", "{w} meaning", "how to say {q} in english", "please translate {q} into english", "what is the english word for {q}",
    "tell me the meaning of {q}", "{w} in english is", "can you translate {q} to english", "would you translate {q} to english", "in english {q} is",
    "what is the translation of {q} in english", "wat does {w} mean", "translate {w} to english please", "how do english people say {q}", "i wonder what {q} means",
    "can you tell me {q} in english", "what is {q} in english please", "{q}, in english", "give me {q} in english", "what english word means {q}",
    "what is the meaning of {q}", "hi, what does {q} mean", "{q} means", "i heard {q}, what does it mean", "how do you translate {q} into english",
    "the french word {q} means what", "i'd like to know what {q} means", "what is a {q} in english", "do you know what {q} means", "the meaning of {w} in english",
    "what is meant by {q} in french", "the french word {q} in english", "{w} in eng", "tell me what {q} means", "say {q} in english", "i don't understand {q}",
    "translate the word {q} into english", "how is {q} said in english", "i don't understand the word {q}", "could you tell me what {q} means in english",
    "please translate {q} to english", "{w} means what", "what's the meaning of {q}", "what is the english for {q}", "translate to english: {w}",
    "can you give me the meaning of {q}", "how do i translate {q}", "do you know {q} in english", "the french word {w} means", "can you translate {q} into english",
    "how would you say {q} in english", "{w} to english", "what does {q} stand for in english", "how would you translate {q} into english",
    "{q}, what does that mean", "translate the french word {q}", "translation of {q} into english", "please translate {q}", "whats {w} in english",
    "{w} = ? in english",
]
TO_EN = [
    "{w} en langue anglaise", "{w} -> anglais", "traduction : {w}", "{w} = ? en anglais", "traduis : {w}", "français vers anglais : {w}", "fr>en {w}", "en anglais ça donne quoi {w}", "{w} in english stp",
    "comment dit-on {q} en anglais", "le mot {w} en anglais stp", "comment on dit {q} en anglais", "comment on traduit {q} en anglais",
    "quel mot anglais veut dire {q}", "comment on appelle {q} en anglais", "{q}, ça se dit comment en anglais", "que donne {q} en anglais",
    "traduis en anglais le mot {q}", "comment les anglais disent {q}", "comment disent les anglais pour {q}", "traduis {q} en anglais",
    "comment traduire {q} en anglais", "{w} en anglais ça donne quoi", "je veux savoir comment dire {q} en anglais", "qu'est-ce que {q} en anglais",
    "{w} en anglais", "donnez-moi {q} en anglais", "je cherche le mot anglais pour {q}", "anglais : {w}", "tu peux traduire {q} en anglais",
    "dites-moi {q} en anglais", "{w} en anglais comment on dit", "je veux dire {q} en anglais", "pouvez-vous me dire comment on dit {q} en anglais",
    "traduis {w} du français à l'anglais", "{q} se dit comment en anglais", "peux-tu me dire comment on dit {q} en anglais", "c'est quoi en anglais {q}",
    "ça donne quoi {q} en anglais", "c'est quoi la traduction de {q} en anglais", "que veut dire {q} en anglais", "est-ce que tu sais dire {q} en anglais",
    "tu connais {q} en anglais", "traduction en anglais : {w}", "traduis {q} vers l'anglais", "c koi {w} en anglais", "{w} en anglais svp",
    "peux-tu me donner {q} en anglais", "traduis {w} en anglais stp", "je voudrais dire {q} en anglais", "traduisez en anglais : {w}",
    "ça se dit comment en anglais {q}", "en anglais {q} c'est quoi", "le mot anglais pour {q}", "j'ai besoin de {q} en anglais",
    "comment dit-on le mot {q} en anglais", "{w} traduction anglais", "{w} en anglais ça se dit comment", "je me demande comment on dit {q} en anglais",
    "en anglais : {w}", "connais-tu le mot anglais pour {q}", "comment dire {q} en anglais", "en anglais {q} se dit comment",
    "pouvez-vous me traduire {q} en anglais", "traduction anglais {w}", "traduis du français vers l'anglais : {w}", "en anglais, comment dit-on {q}",
    "traduction de {q} en anglais", "traduire en anglais : {w}", "quelle est la traduction de {q} en anglais", "donne {q} en anglais",
    "pouvez-vous dire {q} en anglais", "dis-moi ce que donne {q} en anglais", "{q} comment on dit en anglais", "c'est quoi {q} en anglais",
    "bonjour, comment dit-on {q} en anglais", "traduire {q} en anglais", "est-ce que tu peux traduire {q} en anglais", "traduis-moi {q} en anglais",
    "dis-moi {q} en anglais", "dis {q} en anglais", "traduisez {w} en anglais svp", "connais-tu la traduction de {q} en anglais", "comment je dis {q} en anglais",
    "peux-tu traduire {q} en anglais", "sais-tu comment on dit {q} en anglais", "dis-moi comment on dit {q} en anglais", "dites {q} en anglais",
    "{q} en anglais s'il te plaît", "la traduction anglaise de {q}", "j'aimerais savoir dire {q} en anglais", "{q} ça se dit comment en anglais",
    "tu peux me traduire {q} en anglais", "comment écrit-on {q} en anglais", "quelle est la traduction anglaise de {q}", "comment se traduit {q} en anglais",
    "peux-tu me dire {q} en anglais", "dis-moi comment dire {q} en anglais", "donne-moi le mot anglais pour {q}", "la traduction de {q} en anglais",
    "donne la traduction anglaise de {q}", "donne-moi la traduction anglaise de {q}", "savez-vous dire {q} en anglais", "tu peux me dire {q} en anglais",
    "je ne sais pas dire {q} en anglais", "traduis le mot {q} en anglais", "tu sais dire {q} en anglais", "traduit {w} en anglais", "traduire {w} vers l'anglais",
    "que dit-on pour {q} en anglais", "quel est le mot anglais pour {q}", "pourriez-vous traduire {q} en anglais", "je cherche la traduction de {q} en anglais",
    "quel mot anglais signifie {q}", "tu sais comment on dit {q} en anglais", "sais-tu dire {q} en anglais", "peux-tu me traduire {q} en anglais",
    "c quoi {w} en anglais", "donne-moi {q} en anglais", "quel est l'équivalent anglais de {q}", "comment un anglais dit {q}", "comment se dit {q} en anglais",
    "traduction en anglais de {q}", "traduis en anglais : {w}", "traduisez-moi {q} en anglais", "{w} en anglais c'est quoi", "{w} en anglais stp",
    "comment appelle-t-on {q} en anglais", "peux-tu dire {q} en anglais", "pourrais-tu traduire {q} en anglais", "quel est le mot pour {q} en anglais",
    "le mot {q} en anglais", "je voudrais savoir comment on dit {q} en anglais", "comment traduis-tu {q} en anglais", "donne-moi la traduction de {q} en anglais",
    "comment dit on {w} en anglais", "cmt dire {w} en anglais", "que disent les anglais pour {q}", "comment ça se dit {q} en anglais",
    "c'est quoi le mot anglais pour {q}", "dis le mot {q} en anglais", "traduis en anglais {q}", "j'ai oublié comment on dit {q} en anglais",
    "comment traduit-on {q} en anglais", "cmt on dit {w} en anglais", "{w}, en anglais", "comment dirais-tu {q} en anglais", "tu dis comment {q} en anglais",
    "ça se dit comment {q} en anglais", "dis-moi le mot anglais pour {q}", "comment ça se dit en anglais {q}", "traduisez {q} en anglais",
    "quelle est la traduction de {w} en anglais", "{w} vers l'anglais", "en anglais, comment on dit {q}", "traduction anglaise de {q}",
    "comment tu dis {q} en anglais", "salut, comment on dit {q} en anglais", "en anglais, {w}", "comment diriez-vous {q} en anglais",
    "c'est quoi la traduction anglaise de {q}", "je voudrais la traduction de {q} en anglais", "comment vous dites {q} en anglais", "quel mot anglais pour {q}",
    "pouvez-vous traduire {q} en anglais", "je sais pas dire {q} en anglais",
    "{w} anglais", "{w} c'est quoi en anglais",
]
TO_FR_IN_FR = [
    "{w} = ? en français", "{w} -> français", "anglais vers français : {w}", "{w} in french stp", "en>fr {w}", "{w} en francais", "traduis : {w}", "c'est quoi {w} en français",
    "que veut dire {q}", "le mot anglais {q} en français", "peux-tu me dire {q} en français", "comment ça se dit {q} en français", "le sens de {q}",
    "donne {q} en français", "la signification de {q}", "c'est quoi le mot français pour {q}", "peux-tu me dire ce que veut dire {q}", "traduis {w}",
    "je cherche le sens de {q}", "{w} traduction", "en français, ça donne quoi {q}", "donne-moi la traduction de {q}", "sa veut dire quoi {w}",
    "je voudrais savoir ce que veut dire {q}", "ça signifie quoi {q}", "la traduction de {q} en français", "traduction en français : {w}",
    "ça se dit comment {q} en français", "{w} en français ça donne quoi", "que veut dire {w}", "connais-tu le sens de {q}", "dis {q} en français",
    "que veut dire {q} en français", "je me demande ce que veut dire {q}", "quelle est la signification de {q}", "que signifie {q}", "traduis {q} en français",
    "traduis de l'anglais : {w}", "salut, ça veut dire quoi {q}", "qu'est-ce que le mot anglais {q} veut dire", "{w} signifie quoi", "dis-moi ce que signifie {q}",
    "je ne sais pas ce que veut dire {q}", "pouvez-vous me dire ce que signifie {q}", "peux-tu traduire {q}", "signification de {w}",
    "quelle est la traduction française de {q}", "{w} en français", "comment dit-on {q} en français", "donne-moi le sens de {q}", "traduis en français : {w}",
    "quel est le sens du mot {q}", "que signifie {q} en français", "c'est quoi la traduction de {q}", "comment se traduit {q}", "je cherche la traduction de {q}",
    "que donne {q} en français", "le mot {q} en français", "tu sais dire {q} en français", "en français : {w}", "qu'est-ce que signifie {q}",
    "le sens du mot anglais {q}", "en français, {w}", "c'est quoi {q} en français", "{w} ça se dit comment en français", "comment dire {q} en français",
    "que signifie le mot {q}", "ça veut dire quoi {w}", "peux-tu traduire {q} en français", "comment se dit {q} en français", "c'est quoi {q} en français stp",
    "traduis {w} de l'anglais au français", "traduction française de {q}", "traduis en français {q}", "je veux savoir ce que veut dire {q}",
    "ça veut dire quoi le mot {q}", "traduis le mot {q} en français", "{w} c'est quoi en français", "traduction en français de {q}",
    "dis-moi comment on dit {q} en français", "que veut dire l'anglais {q}", "traduction français {w}", "ça veut dire quoi {q}", "comment on traduit {q}",
    "explique le mot anglais {q}", "sais-tu ce que signifie {q}", "{w} veut dire quoi", "traduis-moi {q} en français", "{w} vers le français",
    "savez-vous ce que veut dire {q}", "je voudrais la traduction de {q} en français", "que veut dire au juste {q}", "comment ça se traduit {q}",
    "sais-tu dire {q} en français", "{w} en français c'est quoi", "traduire {q}", "{q}, ça veut dire quoi", "{w} en français svp", "c'est quoi le sens de {q}",
    "{q} ça signifie quoi", "quelle est la traduction de {q} en français", "c'est quoi le mot anglais {q}", "traduisez en français : {w}",
    "donne-moi la traduction française de {q}", "dites-moi ce que veut dire {q}", "comment les français disent {q}", "que veut dire {q} en anglais exactement",
    "tu peux traduire {q} en français", "en français, que veut dire {q}", "ça donne quoi {q} en français", "quel est le mot français pour {q}",
    "pourriez-vous traduire {q} en français", "sens de {q}", "traduire {w} de l'anglais", "{w} ça veut dire quoi", "connais-tu le mot anglais {q}",
    "quelle est la traduction de {q}", "tu peux me dire {q} en français", "{w} traduction français", "pouvez-vous traduire {q} en français",
    "dis-moi {q} en français", "traduis {w} en français stp", "tu sais ce que veut dire {q}", "est-ce que tu peux traduire {q} en français",
    "comment se traduit {q} en français", "c'est quoi la traduction française de {q}", "traduisez {w} en français svp", "que veut dire le mot {q}",
    "signification de {q}", "peux-tu me traduire {q} en français", "qu'est-ce que {q} en français", "c quoi {w} en français", "que signifie le mot anglais {q}",
    "pourrais-tu traduire {q} en français", "ça veut dire quoi en français {q}", "que signifie {q} au juste", "bonjour, que veut dire {q}",
    "donne le mot français pour {q}", "comment traduit-on {q} en français", "{w} en français stp", "j'aimerais savoir ce que signifie {q}",
    "quel mot français pour {q}", "français : {w}", "{q} ça veut dire quoi en français", "comment on dit {q} en français", "comment tu dis {q} en français",
    "je ne comprends pas le mot anglais {q}", "je ne connais pas le mot anglais {q}", "tu peux me traduire {q}", "traduis-moi {q}",
    "est-ce que tu sais ce que veut dire {q}", "quelle est la signification du mot anglais {q}", "le mot anglais {q} veut dire quoi",
    "j'ai besoin de {q} en français", "traduis {q}", "cmt on dit {w} en français", "traduire {q} en français", "quel est le sens de {q}", "traduction de {q}",
    "{q} en français s'il te plaît", "je sais pas ce que veut dire {q}", "qu'est-ce que veut dire {q}", "le mot {q} veut dire quoi", "traduisez {q}",
    "qu'est-ce que ça veut dire {q}", "comment appelle-t-on {q} en français", "quel est l'équivalent français de {q}", "la traduction de {q}",
    "traduction de {q} en français", "traduisez {q} en français", "sais-tu ce que veut dire {q}", "comment traduit-on {q}", "{w}, en français",
    "donne-moi {q} en français", "c koi {w} en français", "en français {q} c'est quoi", "comment traduire {q}", "connais-tu la traduction de {q}",
    "que veut dire le mot anglais {q}", "traduire en français : {w}", "comment traduire {q} en français", "dis-moi ce que veut dire {q}",
    "traduis le mot anglais {q}", "que signifie {w}", "explique-moi le mot anglais {q}", "traduction de {w}", "j'ai lu {q} en anglais, ça veut dire quoi",
    "traduction : {w}",
]
_SPELL_EN = ["spell {w}", "spell the word {w} please", "spell the word {w}", "write out the letters of {w}", "how do you spell out {w}", "do you know how to spell {w}", "spell {w} letter by letter", "how to spell the word {w}", "spell the name {w}", "could you tell me how {w} is spelled", "could you spell out {q}", "how do you spell {w}", "i can't spell {w}", "will you spell {w}", "spelling of the word {w}", "can you give me the letters of {w}", "how do you spell {q}", "i never know how to spell {w}", "how to spell {q}", "which letters does {w} have", "break {w} into letters", "{w}, how is it spelled", "i wonder how to spell {w}", "how do i spell {q}", "{w} spelling", "spell {q}", "do you know how {w} is spelled", "can you spell {q}", "how do u spell {w}", "how does one spell {w}", "can you spell out {w}", "spell out {q}", "write {w} letter by letter", "the letters in {w}", "tell me the letters of {w}", "can you spell {q} for me", "i'd like you to spell {w}", "please spell {w}", "{w}: spell it", "spelling of {w}", "spell out the word {w}", "{q} spelled out please", "can you tell me how to spell {w}", "spell: {w}", "{w}, how do you spell it", "would you spell {w}", "please spell {q}", "tell me how to spell {w}", "{w} letter by letter", "how can i spell {w}", "could you spell {w}", "the spelling of {q}", "how's {w} spelled", "help me spell {w}", "can you spell {w}", "how is {q} spelled", "{w}, how do you spell that", "could you spell {q} for me", "which letters are in {w}", "what's the spelling of {w}", "give me the letters in {q}", "list the letters in {w}", "what are the letters in {w}", "which letters make {w}", "name the letters of {w}", "split {w} into letters", "please write {w} letter by letter", "say {w} letter by letter", "i want to know how to spell {w}", "spell {q} for me", "how do you spell the word {w}", "{w}, spell it", "can u spell {w}", "list the letters of {w}", "spell me {w}", "how do you write {w}", "how would you spell {w}", "can you write {w} letter by letter", "spelling: {w}", "letter by letter: {w}", "how is {w} written", "the letters of {w}", "what letters are in {w}", "can you spell the word {w}", "spell this word: {w}", "hi, how do you spell {w}", "please spell out {w}", "how to write {w}", "tell me how {w} is spelled", "hello, can you spell {w}", "the spelling of {w}", "how do they spell {w}", "{q}, letter by letter", "what letters are in the word {w}", "spell {w} for me", "spell this: {w}", "please spell the word {w}", "letter by letter, {w}", "how is {w} spelled", "what is the spelling of {w}", "how is the word {w} spelled", "what is the spelling of {q}", "how is the word {q} written", "letters of {w}", "i want you to spell {w}", "give the letters of {w}", "how do you write {q}", "i need to spell {w}", "{w} spelled", "spell the word {q}", "separate the letters of {w}", "what are the letters of {w}", "i need the spelling of {w}", "{w}, letter by letter", "how to spell {w}", "give me the spelling of {w}", "say the letters of {w}", "how do i spell {w}", "i wonder how {w} is spelled", "i would like to know how {w} is spelled", "letters in {w}", "the letters of the word {w}", "tell me the letters in {w}", "{w} spelled out", "how is {w} spelt", "give me the letters of {w}", "i don't know how to spell {w}", "what are the letters of the word {w}", "spell {w} please", "how should i spell {w}", "tell me the spelling of {q}", "spell out {w}"]
_SPELL_FR = ["épelle {w}", "comment écrire le mot {w}", "peux-tu me dire comment s'écrit {w}", "comment écrit-on {w}", "lettre par lettre : {w}", "épelle ce mot : {w}", "l'orthographe du mot {w}", "tu sais épeler {w}", "les lettres dans {w}", "epelle {w}", "comment écrire {w}", "comment épeler {q}", "comment épelles-tu {w}", "dites-moi comment s'écrit {w}", "peux-tu donner les lettres de {w}", "orthographe : {w}", "ça s'écrit comment {w}", "comment s'épelle {q}", "epele {w}", "donne les lettres de {w}", "quelle est l'orthographe du mot {w}", "aide-moi à écrire {w}", "comment sécrit {w}", "je ne sais pas écrire {w}", "tu peux épeler {w}", "comment est-ce que s'écrit {w}", "pouvez-vous épeler {w}", "c'est quoi les lettres de {w}", "comment est-ce qu'on écrit {w}", "donne-moi les lettres de {w}", "épelez le mot {w}", "épelle le mot {w}", "comment on écrit {q}", "comment écris-tu {w}", "donne-moi les lettres du mot {w}", "aide-moi à épeler {w}", "{q}, lettre par lettre", "comment s'écrit {w}", "quelles lettres forment {w}", "sais-tu épeler {w}", "liste les lettres de {w}", "les lettres du mot {w}", "je sais pas comment s'écrit {w}", "cmt s'écrit {w}", "épelle {w} lettre par lettre", "quelles lettres composent {w}", "orthographe de {w}", "tu épelles {w} comment", "dis-moi comment épeler {w}", "épelle : {w}", "comment ça s'écrit {q}", "quelles sont les lettres dans {q}", "comment tu écris {w}", "épeler {q}", "comment épelle-t-on {q}", "sépare les lettres de {w}", "pouvez-vous m'épeler {w}", "peux-tu épeler {q}", "c'est quoi l'orthographe de {w}", "comment écrit on {w}", "épelle {q}", "{w} s'écrit comment", "comment on écrit le mot {w}", "épelle le mot {q}", "quelles lettres dans {w}", "épelle-moi le mot {w}", "{w} ça s'épelle comment", "comment tu épelles {w}", "épelez-moi {w}", "épelle {w} stp", "j'aimerais savoir comment on écrit {w}", "{w} lettre par lettre", "écris le mot {w} lettre par lettre", "dis-moi comment on écrit {q}", "de quelles lettres est fait {w}", "comment on épelle {w}", "comment s'écrit {q}", "je sais pas écrire {w}", "{w} épelé", "j'ai besoin d'écrire {w}, comment ça s'écrit", "salut, épelle {w}", "épeler {w}", "pourrais-tu épeler {w}", "{w} : épelle", "énumère les lettres de {w}", "comment j'épelle {w}", "peux-tu m'épeler {w}", "comment on écrit {w}", "épel {w}", "peux-tu épeler {w}", "quelles lettres y a-t-il dans {w}", "épelle {w} s'il te plaît", "epelle moi {w}", "donne l'orthographe de {w}", "épelle-moi {q}", "épelez {q}", "épelez {w}", "comment écrire {q}", "écris {w} lettre par lettre", "dis-moi comment s'écrit {w}", "comment s'épelle le mot {w}", "{w}, comment on l'écrit", "peux-tu épeler le mot {w}", "{w} ça s'écrit comment", "quelles sont les lettres de {w}", "sais-tu écrire {w}", "comment ça s'écrit {w}", "quelle est l'orthographe de {w}", "épelle le nom {w}", "pouvez-vous épeler le mot {q}", "je ne sais pas comment s'écrit {w}", "épelle ça : {w}", "sais-tu comment s'écrit {w}", "découpe {w} en lettres", "épelle moi {w}", "{w}, lettre par lettre", "comment s'épelle {w}", "peux-tu écrire {w} lettre par lettre", "je voudrais savoir comment s'écrit {q}", "les lettres de {w}", "{w}, comment ça s'écrit", "lettre par lettre, {w}", "l'orthographe de {w}", "comment écrit-on {q}", "je veux que tu épelles {w}", "je me demande comment s'écrit {w}", "pourriez-vous épeler {w}", "tu sais écrire {w}", "tu peux m'épeler {w}", "est-ce que tu sais épeler {w}", "épeler le mot {w}", "comment écrit-on le mot {w}", "comment épeler {w}", "épelle donc {w}", "comment ça s'épelle {w}", "je voudrais que tu épelles {w}", "quelles sont les lettres du mot {w}", "cmt on écrit {w}", "ça s'écrit comment {q}", "donne-moi l'orthographe de {w}", "comment s'écrit le mot {w}", "savez-vous épeler {w}", "{q} ça s'écrit comment", "épelle-moi {w}", "je veux savoir comment s'écrit {w}", "comment s'écrit le mot {q}", "tu sais comment s'écrit {w}", "épelez {w} svp", "dis les lettres de {w}", "comment épelle-t-on {w}", "cite les lettres de {w}", "bonjour, comment s'écrit {w}", "ça s'épelle comment {w}", "comment j'écris {w}", "dis-moi les lettres de {w}", "tu peux épeler {q} stp", "est-ce que tu peux épeler {w}"]
_LENGTH_EN = ["how many letters in {w}", "the length of {w}", "how many characters are there in {q}", "how many letters does {w} contain", "{w}: how many letters", "how many letters are in {w}", "how many letters are there in {q}", "length of {w}", "give me the number of letters in {w}", "how many characters in {w}", "count the letters in {w}", "could you count the letters of {q}", "{w}, how many letters", "what is the number of letters in {w}", "{w} has how many letters", "how many letters has {w}", "how many letters make up {w}", "how many letters in {q}", "the number of letters in {w}", "calculate the length of {w}", "letter count of {w}", "how many letters are there in the word {w}", "tell me how many letters {w} has", "letter count: {w}", "how many letters does {q} have", "can you count the letters in {w}", "how many letters are in the word {q}", "how many letters {w}", "how many letters do you count in {w}", "how long is the word {w}", "how many letters has the word {w} got", "tell me the length of {w}", "number of letters of {q}", "how many letters does the word {w} have", "do you know how many letters are in {w}", "please count the letters in {w}", "count the letters in the word {q}", "how long is the word {q}", "length of the word {w}", "what's the length of the word {w}", "count the letters of {w}", "how many letters in the word {w}", "count letters in {w}", "i want to know how many letters {w} has", "number of letters in {w}", "what is the length of {w}"]
_LENGTH_FR = ["combien de lettres dans {w}", "dis-moi la longueur de {w}", "combien y a-t-il de lettres dans {q}", "{q} ça fait combien de lettres", "compte combien il y a de lettres dans {w}", "nombre de lettres de {q}", "combien de lettres a le mot {w}", "combien de lettres y a-t-il dans {w}", "le mot {w} fait combien de lettres", "{w} : combien de lettres", "combien de lettres compte {w}", "nombre de lettres du mot {w}", "je veux savoir combien de lettres a {w}", "compte les lettres dans {w}", "{w} ça fait combien de lettres", "donne-moi le nombre de lettres de {w}", "cb de lettres dans {w}", "combien de lettres contient {w}", "quel est le nombre de lettres dans {q}", "il y a combien de lettres dans {w}", "pouvez-vous compter les lettres de {w}", "{w} a combien de lettres", "{w} compte combien de lettres", "combien de lettres {w}", "{q} contient combien de lettres", "combien il y a de lettres dans {w}", "combien de lettres dans le mot {w}", "combien y a-t-il de lettres dans le mot {w}", "quelle est la longueur du mot {w}", "y a combien de lettres dans {w}", "compte les lettres du mot {q}", "quel est le nombre de lettres de {w}", "longueur du mot {w}", "{w}, combien de lettres", "combien de lettres comporte {q}", "{w} fait combien de lettres", "quelle est la longueur de {w}", "combien de lettres pour {w}", "le nombre de lettres dans {w}", "combien de lettres a {q}", "combien de lettres il y a dans {w}", "le nombre de lettres de {w}", "combien de lettres ya dans {w}", "sais-tu combien de lettres a {w}", "compte les lettres de {w}", "combien de lettres contient le mot {w}", "peux-tu compter les lettres de {w}", "le mot {w} a combien de lettres", "dis-moi combien de lettres a {w}", "combien de lettres dans {q}", "combien de lettres a {w}", "longueur de {w}", "combien de caractères dans {w}", "nombre de lettres dans {w}"]


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
            return "en", fill(choose(TO_FR, rng), shown_en, rng), f"In French, “{en}” is “{typographic(fr)}”."
        return "fr", fill(choose(TO_EN, rng), shown_fr, rng), f"En anglais, « {bare(fr)} » se dit « {en_forms[0]} »."
    kind = rng.random()
    if kind < 0.34:
        return "en", fill(choose(TO_FR, rng), shown_en, rng), f"In French, “{en}” is “{typographic(fr)}”."
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
