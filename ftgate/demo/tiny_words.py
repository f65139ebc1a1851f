"""Words and sentence patterns from which the tiny model's pretraining conversations are made.

Patterns are separated by `|`. In a pattern `{my}` stands for the thing with an owner ("my parcel"), `{a}` with an
article, `{o}` bare, `{do}` for the action that goes with it ("book a room"); the other names are keys of FILLERS.
All of it was written for this model; nothing comes from a dataset.
"""

# name of the matter | classes | labels per key family (topic;reason;tag) | flags | and then patterns, one block each.
# Flags: u urgent, m about money, s about security, q usually asks for information.
FRAMES = """
late_delivery|d|delivery_late;still_waiting;shipment|
i am still waiting for {my}|{my} has not arrived|{my} hasn't arrived yet|when will {my} get here|where is
{my}|is there a way to follow {my} on its way|can i track {my}|i ordered {a} {ago} and it is not here|{my}
should have come by now|has {my} been sent out yet|{my} is taking forever to come|any news on the delivery
of {my}|how long does it take until {a} is delivered|it has been {time} and {my} still isn't here|i never
received {my}|i have not got {my} in the post|do you have a tracking number for {my}|how many days until
{my} arrives|{my} was supposed to come {ago}|nothing came in the mail, i expected {my}|what is the delivery
date of {my}|i am worried because {my} did not show up|did you ship {my}|when am i getting {my}|expecting
{a} but the postman brought nothing|how can i find out where {my} is right now|is {my} on the way

lost|d|item_lost;cannot_find;lost_property|us
i lost {my}|i have lost {my}|i can't find {my} anywhere|{my} is missing|{my} is gone|i left {my} {place}|i
misplaced {my}|i think i dropped {my} {place}|i forgot {my} {place} and now it is gone|what do i do if {my}
is lost|{my} disappeared|no idea where i put {my}|i seem to have lost {my}|i don't know where {my} is, i had
it {place}|{my} fell out of my pocket|help, {my} is lost|my {kin} lost {my}|how do i report {a} as lost|last
time i saw {my} was {place}|looked everywhere and {my} is not there

stolen|d|theft;was_robbed;crime|us
someone stole {my}|{my} was stolen {place}|{my} has been stolen|i was robbed and they took {my}|a thief took
{my}|{my} got stolen|i want to report the theft of {my}|my pocket was picked and {my} is gone|somebody took
{my} {place}|i believe {my} was stolen|can you block {my}, it was taken|they broke in and took {my}|my {kin}
had {my} stolen|please freeze {my}, a thief has it| what should i do now that {my} was stolen|somebody
grabbed {my} and ran

broken|d|defect;does_not_work;repair|
{my} is broken|{my} doesn't work|{my} stopped working|{my} does not work anymore|{my} has a crack|{my} is
damaged|can you repair {my}|{my} fell and broke|there is something wrong with {my}|how do i get {my}
fixed|{my} came broken|{my} is faulty|why is {my} not working|{my} is not recognised|it won't accept
{my}|{my} is scratched and useless|my {kin} broke {my}

order_new|dc|new_order;wants_to_have;order|q
i would like to get {a}|how do i get {a}|can i order {a}|i want to order {a}|where can i buy {a}|i need a
second {o}|how can i get another {o}|is it possible to have two of these, i mean {o}|please send me {a}|i
would like to apply for {a}|how do i open {a}|i am interested in {a}|what do i need to do to get {a}|can you
set up {a} for me|do you sell {a}

activate|d|first_use;start_using;activation|q
how do i activate {my}|{my} came, what do i do now|how do i switch on {my}|i got {my} today, how do i start
using it|where do i turn on {my}|can you activate {my}|i need help setting up {my}|the steps to activate
{my} please|{my} arrived and needs to be activated|i can't get {my} to start for the first time|how to use
{my} for the first time|set up {my} for me

expired|d|out_of_date;about_to_expire;renewal|
{my} has expired|{my} will expire soon|what happens when {my} expires|{my} runs out next month|do i get a
new {o} when the old one expires|how do i renew {my}|{my} is out of date|{my} is not valid any more|when
does {my} expire|i need to renew {my}

give_back|d|return_goods;send_back;returns|
i want to send back {my}|how do i return {my}|i would like to return {my}|{my} doesn't fit, i want to return
it|can i give {my} back|where do i send {my} back to|i changed my mind about {my}, how do i send it
back|return label for {my} please|i got the wrong {o}|this is not the {o} i ordered|can i swap {my} for
another one|you sent the wrong {o}

end_contract|c|cancellation;wants_to_leave;goodbye|
i want to close {my}|please cancel {my}|cancel {my}|close {my}|delete {my}|i want to end {my}|how do i
cancel {my}|how can i close {my}|i would like to terminate {my}|i don't want {my} any more|i no longer need
{my}|please remove {my}|can you shut down {my}|i am leaving, end {my}|what do i have to do to get rid of
{my}|stop {my} right now|i wish to quit {my}|i am not happy with you, delete {my}|i am unhappy with the
service and want to close {my}|how do i delete {my}|get rid of {my}|take me off {my}|i am done with your
company, cancel {my}|deactivate {my}|i don't want to be your customer anymore, close {my}|tell me the steps
to end {my}|i want out of {my}

pause|c|on_hold;take_a_break;holiday|
can i pause {my}|put {my} on hold|i want to freeze {my} for {time}|is it possible to pause {my} for
{time}|stop {my} until next month|i am away for {time}, can you pause {my}|start {my} again|please resume
{my}|i want {my} back after the break

change_setting|s|data_change;wants_to_edit;settings|q
how do i change {my}|i want to change {my}|can i change {my}|i need a new {o}|i have a new {o}|please update
{my}|where do i change {my}|my {o} is different now|i would like to set a new {o}|can i pick a different
{o}|{my} is wrong, how do i correct it|is it possible to change {my} from abroad|how can i edit {my}|i need
to update {my}|i moved and have to change {my}|can i set {my} myself|where in the app can i set {my}|i don't
like {my}, can i have another one|i must change {my} today|am i able to change {my} {place}|do i have to go
{place} to change {my}|steps to change {my}|what is the way to modify {my}|reset {my}

forgot|s|no_access;cannot_remember;recovery|us
i forgot {my}|i don't remember {my}|i can't remember {my}|what is {my}|i entered the wrong {o} three
times|{my} is blocked|i am locked out because of {my}|{my} is not accepted|it says {my} is wrong|how do i
recover {my}|i need a reminder of {my}|i never got {a}|where can i see {my}|{my} has been blocked after too
many tries|unblock {my}

process_failed|p|failed_attempt;did_not_work;error|m
{my} failed|{my} was declined|{my} was rejected|{my} did not go through|why was {my} refused|why did {my}
fail|i tried to {do} but it didn't work|i can't {do}|i am not able to {do}|it won't let me {do}|{my} doesn't
work|{my} got cancelled|the app said no to {my}|my {o} keeps failing|i get an error when i {do}|every time i
{do} i get an error|why can't i {do}|{my} isn't working|{my} was not successful|trying to {do} for {time}
and nothing works|there is a problem with {my}|what went wrong with {my}|could you check why {my} was
denied|i was unable to {do}|the {o} keeps getting declined|do you know why my {o} was not accepted|when i
{do} the screen says no|is {my} not possible at the moment|{my} not working, please fix|{my} bounced

process_pending|p|in_progress;takes_long;status|m
{my} is still pending|how long does {a} take|{my} has not shown up yet|when will {my} be done|{my} is
stuck|i am waiting for {my} to finish|has {my} gone through|i made {a} {ago} and don't see it|{my} is not in
my list|why is {my} so slow|{my} takes too long|what is the status of {my}|can you check on {my}|{my} seems
to hang

how_to_process|p|instructions;how_does_it_work;guide|q
how do i {do}|how can i {do}|where can i {do}|i want to {do}|can you explain how to {do}|is it possible to
{do}|what is the best way to {do}|i need help to {do}, it is my first time|can i {do} {place}|which options
are there to {do}|can someone else {do} for me|show me how to {do}|what do i need to {do}

undo_process|p|reversal;made_a_mistake;correction|um
i want to cancel {my}|i made a mistake with {my}|can i undo {my}|how do i stop {my}|please take back
{my}|{my} went to the wrong person|i did {a} by accident|i need to correct {my}|reverse {my}|is it too late
to stop {my}

limit|pv|maximum;how_much_allowed;limits|qm
what is the maximum for {a}|is there a limit on {a}|how many times can i {do}|how much can i spend with
{a}|what are the limits for {a}|i reached the limit of {my}|can you raise the limit for {my}|how often can i
{do}|what is the smallest amount for {a}

quoted_figure|r|price_information;what_is_the_rate;figures|qm
what is the {o}|what is your {o} today|how do you work out the {o}|how is the {o} set|where do you get the
{o} from|is the {o} good at the moment|why did the {o} change|the {o} is different from yesterday|can you
tell me the {o}|i want to know the {o}|does the {o} change every day|how often does the {o} change|which {o}
do you use|what {o} will i get|is the {o} better {place}|tell me the current {o}|when will the {o} go
down|where do i find the {o}|what {o} do you offer|who decides the {o}|i would like to see the {o} for
{cur}|how much is one pound in {cur}|what are today's numbers for the {o}|give me the latest {o}|is the {o}
the same on weekends|do you have a good {o}

wrong_figure|r|price_complaint;wrong_amount;dispute|m
the {o} you used is wrong|you gave me a bad {o}|the {o} was not what you promised|i was charged a different
{o}|i think the {o} on my bill is not right|this is not the {o} i agreed to|the {o} was much worse than it
should be|why did i get such a bad {o}

age|vc|minimum_age;too_young;family|q
how old do i have to be to use {a}|what is the minimum age for {a}|can my {child} have {a}|is my {child} old
enough for {a}|my {child} is {age}, can {she} get {a}|is there an age limit for {a}|can children use {a}|do
you offer {a} for kids|i am {age}, am i allowed to have {a}|from what age can one have {a}|do you have to be
an adult for {a}|i want to set up {a} for my {child}|is {a} for teenagers possible|my {child} turns {age}
soon and wants {a}|can i get {a} for my {child}|can people under {age} have {a}|am i too young for {a}|what
age is required|how young can a customer be|age rules for {a}|i am saving for my {child}, can {she} have
{a}|can a {age} year old sign up

countries|v|where_offered;lives_abroad;region|q
which countries do you work in|is {a} available in {country}|i live in {country}, can i get {a}|do you offer
{a} in {country}|where is {a} available|can i use {a} in {country}|do you look after people in {country}|can people from
{country} have {a}|in which places can i use {a}|is {country} on your list|what regions are covered|i am
moving to {country}, does {a} work there|do you operate outside {country}|can i get {a} outside
{country}|are you active in {country}|list of places where you offer {a}|is it possible to have {a} if i am
in {country}|do you have customers in {country}|does {a} work abroad|where do you do business|can someone
living in {country} apply|do you serve {country}|what parts of the world do you cover|is {a} only for people
in {country}

proof|vc|identity_proof;who_am_i;documents|qs
which papers do you need for {a}|how do i prove who i am|what do i need to confirm my identity|how is my
identity checked by you|why do you want to see my passport|which documents do i need for {a}|how does the
identity check work|i want to prove my identity|can i use my driving licence as proof|what kind of id do you
accept|where do i upload my id|how long does the id check take|you asked for proof of who i am|do i have to
show my passport for {a}|what must i show to be verified|how can i get verified|steps to confirm who i am|my
id check is not done yet, what is needed|verify me please|what is needed to identify myself|do you need a
photo of my id|how do i pass the identity check|where can i confirm my identity|what papers count as proof
of identity

refund_missing|dpc|money_not_back;refund_unseen;refund|m
my refund for {my} has not come|where is my refund for {my}|i sent back {my} and the money is not in my
account|when do i get my money back for {my}|the shop says they refunded {my} but i don't see it|still no
refund|the refund is not on my statement|i was promised a refund {ago}|how long until a refund appears|i
returned {my} {ago} and got no money yet|i can't see the refund for {my}|my money was not returned for
{my}|the seller gave me a refund but it isn't in my account|my refund is missing from the list|why is my
refund taking so long|i am waiting for money to be paid back|i asked for a refund {ago} and nothing
happened|has my refund been paid|check my refund please|the merchant refunded me, my balance is the same|did
my refund go through|refund not there yet|i should have got a refund by now

refund_wanted|dpc|wants_money_back;asks_refund;refund_request|m
i want my money back for {my}|how do i get a refund for {my}|please refund {my}|could i have a refund for
this|i am not satisfied, give me my money back|i would like a refund for {my}|is it possible to get my money
back|i did not use {my}, please pay me back|what do i do to ask for a refund

charged_twice|dpc|double_charge;paid_two_times;billing_error|mu
i was charged twice for {my}|you took the money two times|i paid double for {my}|there are two payments for
{my}|the same payment shows twice|why did i pay for {my} two times|i see a double charge for {my}|i was
billed twice

unknown_charge|cp|not_my_payment;strange_payment;fraud|mus
there is a payment i don't know|i did not make this payment|someone used my card without asking|i see a
strange charge on my bill|who took {amount} from my account|i don't recognise a payment of {amount}|this
charge of {amount} was not me|what is this payment for|someone is spending my money

fee|cpv|charges;costs_money;fees|qm
how much does {a} cost|is there a fee for {a}|is {a} free|why did i pay a fee for {a}|what do you charge for
{a}|are there extra costs for {a}|i was charged a fee of {amount} for {a}|why was there an extra charge|what
are the fees for {a}|do i have to pay for {a}|the fee for {a} is too high|how expensive is {a}

bill|c|invoice;needs_receipt;paperwork|qm
can i get an invoice for {my}|please send me the bill for {my}|where do i find my bill|i need a receipt for
{my}|my bill is higher than last month|why is my bill for {my} so high|i never got a bill|send the statement
for {my} to my {kin}

opening_hours|v|hours;when_open;schedule|q
when do you open|are you open on {day}|what time does {a} close|until when can i call you|is {a} open on
{day}|opening hours please|are you closed on {day}|how late are you open on {day}

human_agent|vc|speak_to_person;wants_contact;support|
i want to talk to a person|can i speak to someone|how do i contact you|give me a phone number|is there a
real human|let me talk to your manager|which number do i call about {my}|can somebody call me back|i don't
want to chat with a machine

praise|vdc|thank_you;happy_customer;feedback|
thank you for {my}|i love {my}|great service|{my} is really good|you helped me a lot|well done, {my} works
fine|i am very happy with {my}|thanks, all good now|best {o} ever

complaint|vdc|unhappy;angry_customer;criticism|u
{my} is terrible|i am very angry about {my}|worst {o} ever|i am disappointed with {my}|nobody answers
me|this is the third time i complain about {my}|your staff was rude|i want to make a complaint about
{my}|your service is awful|i hate {my}
"""

FILLERS = {
    "ago": "yesterday|last week|two weeks ago|three days ago|a month ago|a while back|on monday|ten days ago"
    "|some time ago",
    "time": "two weeks|three days|a month|a while|ten days|hours|weeks|a week now|the whole day|several days",
    "place": "on the bus|at work|in a restaurant|at home|in a shop|at the airport|in the park|on the train|at the bank"
    "|at a bar|in my car|at a cash machine|in the city|at school|on holiday|at an atm|in the hotel"
    "|at a friend's house|abroad|in the app",
    "kin": "son|daughter|wife|husband|mother|father|brother|sister|friend|boss|roommate|neighbour|partner|uncle",
    "child": "son|daughter|child|kid|kids|children|boy|girl|little brother|niece|teenager",
    "she": "she|he|they",
    "age": "ten|12|13|14|15|16|17|18|nine|sixteen|eighteen|21",
    "country": "france|spain|germany|italy|the uk|the us|usa|canada|poland|austria|ireland|india|china|japan|brazil"
    "|mexico|europe|the eu|africa|asia|sweden|norway|greece|turkey|australia|switzerland|portugal|russia|egypt"
    "|england|scotland|america",
    "cur": "euros|dollars|pounds|yen|gbp|usd|eur|aud|francs|rubles|foreign money|another currency"
    "|different currencies",
    "amount": "5 euros|10 pounds|20 dollars|50|100 euros|3 dollars|one pound|200|15 euros|75 pounds",
    "day": "monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekends|public holidays|christmas",
}
OPENERS = (
    "hi|hello|hey|hi there|good morning|excuse me|please help|help|sorry|hey guys|dear team|so|ok|well|um|"
    "quick question|i have a question|i need help|can you help me|i have a problem|could you tell me|"
    "i was wondering|just wondering|urgent|i need some help|i'd like to know|please tell me|"
    "not sure who to ask|one more thing|good evening|listen|i don't understand"
)
CLOSERS = (
    "thanks|thank you|please|please help|please help me|what can i do|what should i do|what do i do now|"
    "can you help|i need this soon|asap|it is urgent|any idea|why is that|can you look into this|"
    "i need to know now|what is going on|how do i fix this|let me know|what happens next|who can help me|"
    "is that ok|what is the next step|i am getting worried|is this normal|please answer quickly|"
    "can you check|what is happening|tell me what to do|is there anything i can do"
)
CONTEXTS = (
    "i am in {country} right now|i am travelling|i have been a customer for years|"
    "i checked the app and found nothing|i am going on holiday soon|i already called you {ago}|"
    "my {kin} told me to write to you|i just moved to {country}|i have tried everything|this happened {ago}|"
    "i was {place} when i noticed|i really need to sort this out|"
    "i looked at the website but could not find it|i have waited {time}|it worked fine before|i am new here|"
    "i did everything you said|i don't want to wait any longer|i need it for work|i am thinking about it|"
    "nobody could tell me {place}|i asked my {kin}|i live in {country}|i have an important meeting on {day}|"
    "i have some money left, about {amount}|i opened it {ago}|the shop was closed|i am worried about it|"
    "i am sick of this"
)
# plain words for copying, ordering and counting
PLAIN = (
    "apple river stone green table window cloud horse paper music garden bread orange silver winter summer "
    "forest ocean bridge candle doctor engine flower guitar hammer island jacket kitchen ladder mirror "
    "number pencil queen rabbit school tiger umbrella valley wagon yellow zebra basket castle dragon eagle "
    "family ghost honey iron jungle king lemon mountain night onion planet quiet robot salt tower uncle "
    "village water box cat dog egg fish hat ice jar kite lion moon nest owl pig rain sun tree van wolf red "
    "blue black white small large cold warm old new fast slow happy sad cards money street market coffee "
    "sugar butter cheese rice soup plate spoon knife chair floor door wall roof house city country world "
    "time day week month year morning evening hand foot head eye nose mouth heart story letter word page "
    "line point circle square"
)
BUSINESSES = (
    "shop|bank|phone company|travel agency|clinic|school|software firm|power company|help desk|company"
    "|team|hotel"
)
# first words after which a sentence ends in a question mark, nouns without an article, words written in capitals
QUESTION_STARTS = (
    "what how where when why who which can could do does did is are am was were will would has have may any "
    "until"
)
NO_ARTICLE = "cash plastic luggage savings broadband insurance interest electricity postage cover medicine solar credit"
CAPITALS = (
    ("i", " "), ("i", "'"), ("id", " "), ("usd", ""), ("eur", " "), ("gbp", ""),
    ("pin", " "), ("uk", ""), ("eu", " "), ("us", " "), ("usa", ""),
)  # fmt: skip
SYLLABLES = "ka lo mi ren sa tu vel no dar pe lin go ma zi ro ben ha ti jo nel bu fe dra sol ki wen"
