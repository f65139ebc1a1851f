"""The things that customers write about in the tiny model's pretraining text."""

# class, domain, canonical name, surface forms, actions ("do") for things that happen.
# Classes: d delivered or carried thing, c contract that can be ended, s personal setting, p process that can fail,
# r figure that is quoted, v service that is offered to people in places.
THINGS = """
d|bank|card|card;bank card;debit card;credit card;plastic|
d|bank|card_reader|card reader;reader for my card|
d|bank|cheque_book|cheque book;cheques|
d|shop|parcel|parcel;package;order;delivery|
d|shop|jacket|jacket;coat;winter coat|
d|shop|shoes|shoes;sneakers;boots|
d|shop|book|book;novel;textbook|
d|shop|toy|toy;doll;puzzle|
d|shop|gift|gift;present;gift box|
d|home|washing_machine|washing machine;washer|
d|home|fridge|fridge;freezer|
d|home|lamp|lamp;light;desk lamp|
d|home|sofa|sofa;couch;armchair|
d|telecom|phone|phone;mobile;handset;smartphone|
d|telecom|sim_card|sim;sim card|
d|telecom|router|router;modem;wifi box|
d|software|laptop|laptop;computer;notebook|
d|software|tablet|tablet;screen|
d|software|keyboard|keyboard;mouse|
d|travel|suitcase|suitcase;bag;luggage;backpack|
d|travel|passport|passport;travel document|
d|travel|ticket|ticket;train ticket;boarding pass|
d|health|medicine|medicine;pills;tablets from the doctor|
d|health|glasses|glasses;contact lenses|
d|school|certificate|certificate;diploma;report card|
d|school|library_card|library card;student card|
d|transport|bike|bike;bicycle|
d|transport|keys|keys;car keys;key|
d|transport|bus_pass|bus pass;travel pass|
d|utility|meter|meter;electricity meter;gas meter|
d|office|badge|badge;access card;door card|
c|bank|account|account;bank account;current account;profile with you|
c|bank|savings_account|savings account;savings|
c|bank|loan|loan;credit line;mortgage|
c|telecom|phone_contract|phone contract;mobile plan;sim plan|
c|telecom|internet_plan|internet plan;broadband;internet connection|
c|software|subscription|subscription;monthly plan;premium plan|
c|software|user_profile|user profile;login;online account|
c|health|gym_membership|gym membership;membership;club membership|
c|health|insurance|insurance;health insurance;policy;cover|
c|travel|booking|booking;reservation;hotel room;trip|
c|utility|power_contract|power contract;electricity contract;gas contract|
c|school|course|course;class;lessons;enrolment|
c|office|newsletter|newsletter;mailing list;emails from you|
s|bank|pin|pin;pin code;pin number;secret code;passcode|
s|software|password|password;login password;pass word|
s|shop|address|address;delivery address;home address;street address|
s|telecom|phone_number|phone number;mobile number;number on file|
s|software|email|email;email address;mail address|
s|office|name|name;last name;surname;family name|
s|bank|security_question|security question;security settings;secret answer|
s|software|language|language;language of the app|
s|software|picture|profile picture;photo;avatar|
s|utility|payment_day|payment day;billing date;due date|
s|travel|seat|seat;place on the train|
s|health|doctor|doctor;dentist;family doctor|
p|bank|transfer|transfer;bank transfer;wire|send money;make a transfer;transfer money;move money to a friend
p|bank|top_up|top up;top-up;topup;load|top up;add money;load money on my balance;put money on my \
account;top up my balance
p|bank|card_payment|card payment;payment;purchase|pay with my card;pay in a shop;pay online;buy something
p|bank|cash_withdrawal|cash withdrawal;withdrawal;cash|take out cash;withdraw money;get money from the machine
p|bank|deposit|deposit;cheque deposit;cash deposit|deposit money;pay in a cheque;deposit cash
p|bank|direct_debit|direct debit;standing order|set up a direct debit;pay by direct debit
p|software|update|update;upgrade;new version|update the app;install the update;install the new version
p|software|upload|upload;file upload|upload a file;upload my photo;send a document
p|software|login|login;sign in;log in|log in;sign in;get into the app
p|software|backup|backup;copy of my files|back up my files;make a backup
p|shop|checkout|checkout;order;online order|place an order;check out;order online
p|shop|discount|discount code;voucher;coupon|use my voucher;use a coupon;enter the code
p|travel|booking_request|booking;flight booking;hotel booking|book a room;book a flight;reserve a table
p|travel|check_in|check in;online check in|check in;check in for my flight
p|health|appointment|appointment;visit|book an appointment;see the doctor;get an appointment
p|school|registration|registration;sign up;application|register;sign up for the class;send my application
p|telecom|call|call;phone call|call someone;make a call;phone my mother
p|telecom|recharge|recharge;credit recharge|recharge my phone;add credit to my phone
p|utility|meter_reading|meter reading;reading|send my meter reading;enter the reading
r|bank|currency_rate|exchange rate;currency rate;rate for {cur};conversion rate;rate for foreign money|
r|bank|interest|interest rate;interest;rate on savings|
r|utility|power_price|price of electricity;unit price;tariff;rate for power|
r|travel|fare|fare;ticket price;price of a seat|
r|telecom|roaming_price|roaming price;roaming rate;price for calls abroad|
r|shop|shipping_cost|shipping cost;postage;delivery fee|
r|health|treatment_price|price of a check up;cost of treatment|
r|shop|gold_price|gold price;price of gold;market price|
r|office|pay_rate|pay rate;hourly rate;salary|
v|bank|bank_service|account;card;bank account;service;bank|
v|shop|shop_service|shop;online shop;delivery service;store|
v|telecom|mobile_service|network;mobile service;phone plan|
v|software|app|app;website;program;software|
v|travel|car_rental|car rental;rental car;hotel;tour|
v|health|clinic|clinic;vaccine;insurance;health plan|
v|school|school_service|school;course;library;summer camp|
v|transport|scooter|scooter rental;bike rental;taxi;taxi service|
v|utility|solar|solar power;green power;electricity|
v|office|event|event;concert;fair;show|
"""
