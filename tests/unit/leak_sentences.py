"""Sentences that speak of what a student is not shown, and their near misses that do not. All written by hand."""

LEAKS = """\
This aligns with the provided description.
The features match the given attributes of the class.
According to the description, the bird has a red crown.
The description mentions a hooked bill.
As described in the provided text, the tail is forked.
Based on the information provided, it can only be a gull.
which is consistent with the description provided
The ground truth says Herring Gull.
Since the label is given, the answer follows.
We are told that it has a yellow bill.
As you mentioned, the legs are pink.
The correct label is Herring Gull.
These traits align with the supplied visual concepts.
It matches the description.
the aforementioned label leaves no doubt
The details that were provided point to a gull.
supported by the attributes provided above
The overall shape and coloration match the provided description of the Herring Gull.
As described, the bird has a yellow bill with a red spot near the tip.
This matches the description of a Cerulean Warbler, which mentions a white wing bar.
According to the attributes given, the underparts should be buff.
Given the label, the aircraft must be a Boeing 737-800.
The ground truth is Siberian Husky, so the other candidates can be excluded.
The correct answer is given as Black-footed Albatross.
Based on the description provided, the flower has five overlapping petals.
The described features, such as the hooked beak, are visible here.
As mentioned in the description, the tail is forked.
The image description says that the car has a split grille.
These traits are consistent with the descriptions of both species.
The information provided points to the 2012 model.
The information supplied about the wings settles it.
The attribute list includes a white throat, which is seen here.
Among the concepts provided, the crest is the most telling.
The reference states that the legs are pink.
The prompt says that this is a Bengal cat.
I was told that the picture shows a Fish Crow.
Since the label is Indigo Bunting, the blue plumage fits.
The hint about the long tail supports this choice.
The provided label confirms the identification.
The features listed above in the description agree with the picture.
The user stated that this is a Persian cat.
We are given that the dog is a Beagle.
In line with the given characteristics, the petals are fringed.
The details supplied mention a dark cap.
The sub-category provided is Acura TL Sedan 2012.
Because the target class is Le Conte Sparrow, the orange face is expected.
The annotation indicates an adult male.
The description mentions a conical bill, and this is what we see.
The caption notes a bird standing in shallow water.
From the textual description, the head is grey.
**Description match:** the given attributes (yellow belly, black mask) fit.
The expected answer is Common Yellowthroat.
The known identity of the bird makes this easy.
The metadata gives the species as Larus argentatus.
The key attributes provided in the prompt are a long bill and a white rump.
The listed attributes, including the red crown, can be observed.
This is in accordance with the specification given for the class.
The visual evidence corresponds well to the supplied text.
All of this agrees with what the description says about the species.
The true category, Dandie Dinmont Terrier, is among the candidates.
The given answer is Purple Finch, and the picture supports it.
According to the description, males have a glossy black head.
Per the description, the wings carry two white bars.
The description specifically highlights the fan-shaped tail.
This feature is explicitly mentioned in the given information.
With the provided context in mind, the third candidate is the best one.
The characteristics outlined in the description are all here.
The bird's plumage fits the description given above.
The question already tells us that it is a Spitfire.
Knowing that the label is Gazania, I look for dark spots at the base of the petals.
The ground-truth label is consistent with the livery.
As noted in the provided details, the fuselage is short.
As the reference description indicates, the bill is slightly curved.
These are the attributes that were listed for this class.
The concept list speaks of a rufous cap.
The specified category is the only one with a winglet of this form.
The answer provided is correct because the ears are folded.
The image matches the given label.
The teacher's note says the tail is long.
It was stated that the flower is a globe thistle.
The provided attributes suggest a small songbird.
The features described in the text are visible: a grey back and pink legs.
My instructions name the species as the Blue Grosbeak.
The expert description adds that the throat is yellow.
Considering the class name that was provided, it must be the sedan.
The input says that the eye ring is white.
The description does not mention a crest, which rules out the second.
That the correct label is Pomeranian is supported by the fluffy coat.
The attributes associated with the provided class are all present.
In the description, the belly is said to be white.
The aforementioned description fits the first candidate best.
The given description of the plumage rules out the jay.
Consistent with the provided visual attributes, the forehead is black.
I should not reveal that I know the label.
As per the provided information, the species breeds in the Arctic.
The details given match a Tennessee Warbler.
The profile of the species provided here lists a pale eyebrow.
The sloping roofline and the chrome window trim, which were part of the description, can be made out in the photo.
These observations are in agreement with the textual details I was provided with about the Audi A5 Coupe 2012.
Both the three-lobed lip and the spotted petals correspond to what has been described for this flower.
In the provided characteristics, the breed is said to have a wedge-shaped head and large ears.
The trait "white wing bars" from the list of given attributes is visible on both wings.
The presence of two engines under the wings agrees with the specification sheet that was handed to me.
The description's mention of a pink bill is confirmed by the image.
The descriptive text emphasizes a long, curved bill.
Considering the additional information about its black cap, the bird can only be a chickadee.
The supplementary information helps: the species has a rufous tail.
As the label indicates, the animal is an Abyssinian.
As indicated by the label, this is an Abyssinian.
The class given for this picture is Boeing 747-400.
The species listed for this picture is Pine Warbler.
This image has been labeled as a Pine Warbler.
The picture is labelled as a Pine Warbler, so the other candidates do not matter.
The instruction states that the flower belongs to the sub-category "bishop of llandaff".
Since we have been told the breed, only its traits remain to be listed.
The final answer must be Samoyed because that is the label.
To stay in line with the label, I choose Samoyed.
The bird exhibits all of the key visual features outlined in the prompt.
The attributes in the description, such as the grey crown, are clear.
From what is described, one would expect a longer tail.
The description matches the second candidate best.
The descriptions of the two sparrows differ in the eye ring, and the image shows it.
According to the given data, the sedan has four doors.
The keywords provided are "glossy", "crimson" and "spur".
The key phrases supplied with the image speak of a bearded chin.
This agrees with the official description.
The Wikipedia description that I was shown speaks of a yellow eye.
The expert knowledge provided says that the bill is bicoloured.
The visual attributes associated with this class in the prompt are a buff breast and streaks.
Matching these against the provided list, five of six attributes are present.
The prior information says it is a fighter jet.
The background information supplied indicates a two-seat cockpit.
It matches all the criteria mentioned in the description for the class.
Looking at the reference features, the crest should be erect.
The hints point to a Maine Coon.
The truth label supports it.
The image shows a bird with a black cap and white cheeks, aligning well with the description provided.
Its streaked breast and yellow rump closely match the described characteristics of the Yellow-rumped Warbler.
The presence of a V-shaped tail is another attribute noted in the description, which strengthens the identification.
Considering all the attributes from the provided concepts, the most suitable sub-category is the Audi TT RS Coupe 2012.
The cat's coat, which is described as silver and spotted in the given text, is consistent with the Egyptian Mau.
The provided description also notes a preference for marshes, and the background shows reeds.
This feature is not mentioned in the description, but it does not contradict it either.
The overall appearance aligns with the given sub-category.
While the Bombay shares the black coat, its ears differ from those in the description.
Given the provided context, we can conclude that the aircraft is an A340-300.
The description indicates that the petals are trumpet-shaped, as is the case in the image.
The white throat patch, a key trait in the description, is evident.
Based on the given characteristics and the image, the prediction is Chuck-will's-widow.
The combination of these features matches the details provided for the Fox Sparrow.
We need to verify that the picture agrees with the name we were given.
The long-haired tail is in keeping with the breed description.
Only the first candidate satisfies all the given visual descriptions.
The description suggests a bird with a thick bill, which rules the wren out.
This is the correct sub-category, as specified by the label.
All the aforementioned concepts can be recognised in the picture.
The rounded nose is consistent with the information given about the Cessna 172.
The user-provided label says Samoyed.
The traits provided emphasise the blue rear and the white belly.
As stated in the visual description, the leaves are heart-shaped.
The wording of the description makes a Bewick Wren the most probable choice.
Even without the description, the wing bars would lead us there.
In keeping with the supplied attributes, the lower mandible is orange.
The flower matches what was outlined: a purple cone with yellow tips.
The provided concept of a "spatula-shaped bill" can be verified in the image.
The facts given about the species mention a white eye.
According to the supplied caption, the bird has a grey crown.
The label tells us this is a Boeing 737-800.
As stated in the prompt, the flower is a type of orchid.
Since the ground truth is Cerulean Warbler, the blue back must be the key trait.
The attributes listed above mention a hooked bill, and I see one here.
Given the known answer, we can rule out the others.
The reference text notes a white wing bar, which is consistent with the photo.
I was told that this is a Tiger Lily.
From the provided information, the engine count is two.
The metadata says it is a 2012 BMW M3 coupe.
This matches the given category exactly.
The concept list confirms the yellow throat.
Per the annotation, the dish is a beef tartare.
The description given mentions a "long, curved bill".
The hint suggests that the breed is from Wales.
As you mentioned, the car has four doors.
The correct class, as specified, is Peugeot.
Based on the attributes I received, the tail is forked.
The provided label is Bombay, so the coat must be black.
The answer has already been given as Fokker 100.
The image's true label confirms the identification.
In line with the description you supplied, the petals are pink.
The key traits that were handed to me include streaked flanks.
We know from the dataset label that it's a vireo.
The text accompanying the image identifies the species as a Least Tern.
The user says it's a Sphynx, and the picture agrees.
My instructions state the final answer must be Wilson Warbler.
The expected answer is Baltimore Oriole, which has orange underparts.
As described in the text, its belly is buff.
The visual attributes provided include a notched tail.
This fits the target class we were assigned.
The file name points to Acura TL.
The question already reveals that it is a Siamese.
According to the notes, the wing has two pale bars.
With the label in hand, let us confirm the markings.
The ground-truth annotation lists a red nape.
We were informed that the plant is poisonous foxglove.
The specification sheet in the prompt mentions winglets.
The category name supplied with the photo is Bishop of Llandaff.
We already have the answer, Yorkshire Terrier, so let us look for support.
These cues were part of the information shared with me.
The provided hints describe a bird with a forked tail.
As the text says, this aircraft has a T-tail.
All listed concepts are consistent with what can be seen.
According to the supplied profile, the species has a buff throat.
The name I was given matches the yellow cap.
The image comes with the label Carmine Bee-eater.
I have been asked to explain why this is a Ragdoll.
Since I know that the flower is a hibiscus, the stamen is decisive.
The given class attributes include a white tail tip.
The user provided the breed, a Newfoundland.
This confirms the label that came with the image.
As indicated in the reference, the bill is bicoloured.
The stated attributes, such as the red eye, are present.
The dataset lists this as an American Crow.
The context provided mentions that it is a sports car.
The features in the description are matched one by one.
Based on the provided knowledge, the wings should be rounded.
My task is to justify the label Fokker 70.
The model answer is Sayornis.
I must write as if I did not know the name.
The key concepts are a crested head and a blue back, as given.
It says in the text that the petals are fringed.
The traits given in the input agree with the image.
The truth is stated to be Nissan Juke.
According to what I was told, the throat should be orange.
The instructions say it is a Maltese.
The picture is captioned as a hooded oriole.
Judging from the tags attached to the image, this is a cocktail dress.
The information about the species that I received mentions a long tail.
The provided textual attributes point to a daisy.
The correct species was named beforehand.
The species name in the prompt settles the matter.
Following the given definition, an A321 has four doors on each side.
The listed characteristics for the class match the picture.
The description I have been shown mentions black spots.
The visual description provided with the image speaks of a short bill.
The breed given to us is the Birman.
This is in agreement with the label we have.
Matching the provided keywords, the flower is spiky.
The data says the car was built in 2009.
The photograph's description lists a ruddy breast.
According to the caption, this is a Gadwall.
The name in the task is Tropical Kingbird.
The attribute "yellow crown" from the prompt is visible.
As I already know the answer, I will look for proof.
The class in question has been revealed as Buttercup.
The hint given at the start mentions the tail.
I have been provided with the species name.
The text describes a bird with a wedge-shaped tail.
The labelled species is the Brown Thrasher.
The listed traits from the knowledge base fit.
The ground truth annotation agrees with this.
I am supposed to conclude that it is a Manx.
The target label explains the spotted coat.
Given the fact that we are dealing with the labelled class, the wings must be swept.
The concepts given in the list are all visible.
The supplied answer, a Bolognese dish, fits the sauce.
The metadata that comes with the photo names the site.
The record describes the species as gregarious.
The description I received says the legs are black.
It was mentioned beforehand that the dog is a Pug.
As the label suggests, the bloom is a Magnolia.
Based on the class description, the body should be slender.
The caption tells us it is a Clark Nutcracker.
The key visual attributes supplied are a red bill and a black cap.
This was confirmed by the answer key.
""".splitlines()

INNOCENT = """\
The provided image shows a bird on a rock.
In the given picture, the bill is yellow.
Given the characteristics of the bill, it is a gull.
It fits the description of a Herring Gull in any field guide.
The wings provide information about its age.
Of the given candidates, only one has pink legs.
The label on the bottle reads Fanta.
The name comes from the red throat.
The information in the plumage is enough to tell them apart.
These details make it clear that the bird is an adult.
Based on the features described above, it is a gull.
The species is known for its loud call.
I have given more weight to the bill than to the legs.
A description of its plumage would include a grey back and pink legs.
Given its long bill, it is more likely a curlew.
The label-like marking on the wing is white.
The provided image shows a bird on a branch.
The plane's livery label reads Lufthansa.
The given picture is slightly blurred.
A label on the bottle in the background cannot be read.
Given the size of the head, a terrier seems likely.
The car's badge gives the model as TL.
The wings are described by a smooth curve from tip to tip.
The tag on the dog's collar is not legible.
The name on the fuselage is partly hidden.
Given the candidates, the bill is the feature to look at.
The candidates listed above differ in their legs.
The answer hinges on the shape of the tail.
The question is which of the two has a yellow eye ring.
The features above match a Herring Gull.
There is a hint of blue on the wing coverts.
Only a hint of a crest can be seen.
This information is enough to rule out the second candidate.
The branches provide a good reference for its size.
For reference, a crow is about twice as large.
The perch gives a reference for scale.
The texture of the petals is given away by the light.
The attributes that can be seen are a hooked bill and a white head.
Its most telling attribute is the red spot on the bill.
The correct identification depends on the legs.
The true sparrows have thicker bills.
The grass provides cover for the bird.
The light provided by the sun from behind hides the breast.
As described in the visual analysis, the tail is short.
The features noted in the visual analysis point to the first.
The known range of this species is the north.
The picture supplied shows a single flower from above.
As mentioned above, the head is dark.
It is worth noting that the legs cannot be seen.
The class of small sparrows is hard to tell apart.
The caption of the poster behind the car is cut off.
The target of its gaze is a fish.
A ground beetle in truth has longer antennae.
The description 'cobalt blue' fits the back well.
No description does justice to the metallic sheen.
It is hard to describe the pattern in one word.
Its given name comes from the black feet.
The bird is given to flicking its tail, though a photograph cannot show that.
Given what can be seen, the first candidate is the best.
Given the absence of wing bars, the vireos can be excluded.
Given that the bill is thick, it is a finch.
The markings on the ground are, in truth, shadows.
The text on the tail reads 'Air France'.
The registration on the fuselage is provided in large letters.
The label 'Quattro' on the boot lid is visible.
The car carries a label with a price on its windscreen.
The plate of food is labelled with a small flag.
The museum's label under the aircraft is out of focus.
A reference to the size of the leaves helps.
The prompt return of the bird to the nest suggests feeding.
The instructions painted beside the hatch are in red.
The metal ring on its leg says nothing of the species.
The information in the picture does not suffice to tell the sexes apart.
The context, a salt marsh, suggests a shorebird.
The details of the wing suffice for an identification.
The details visible in the image match a Tennessee Warbler.
The listed candidates share a yellow breast.
None of the listed species has a blue head but this one.
The image provided is a close-up of a single bloom.
In the image given, the dog faces left.
The question asks for the most specific name.
The features mentioned so far are shared by three of the candidates.
The traits described in the comparison leave one candidate.
This species is often described as the most elegant of the gulls.
Field guides describe the male as deep blue.
It is commonly known as the camel cricket.
The answer must therefore be the Western Gull.
The correct answer is therefore the Western Gull.
The most likely label is Western Gull.
The category that fits best is the hatchback.
The name of the species refers to its red crown.
An attribute shared by all candidates is the forked tail.
The specification of this variant includes a longer nose, and the nose here is long.
The bird in the provided image has a bright yellow breast with fine black streaks along the flanks.
Based on the visual information in the image, several closely related warblers come into question.
The visual cues provided in the picture, notably the wing bars, favour the first of them.
Given the combination of a short bill and a streaked breast, a siskin is also worth considering.
The aircraft has the name of its operator written along the fuselage, and the text is in blue.
The number on the door and the label on the bonnet are those of a racing team.
The features described in the analysis, such as the folded ears, are typical of a Scottish Fold.
The four candidates given above share a yellow crown, so one has to look at the legs.
A Scottish Fold is usually described as having a round head and a short neck.
The breed standard calls for a black nose, and the nose of this dog is liver.
These characteristics match the well-known features of the Boeing 747.
All observed traits are consistent with those of a Cape May Warbler.
Among the listed candidates, only the Cape May Warbler has a chestnut cheek.
The category of small hatchbacks contains several cars with this outline.
The correct sub-category therefore is the one with the shorter wheelbase.
The class of aircraft with four engines is small, which narrows it down.
The name on the tail identifies the operator and not the type.
The information that can be drawn from the petals alone is not conclusive.
The details of the grille, as mentioned earlier, point to the model built after 2010.
The pose of the cat gives away little of its build.
The flower was given its English name for the shape of its spur.
In the given photograph, the light comes from the left and makes the crown look brown.
For reference, the leaf beside it is about ten centimetres long.
The concept car of the same year had no mirrors at all, while this one does.
The answer to the question turns on whether the tail is forked.
The comparison shows that the second candidate has a longer bill than the bird shown here.
The legs are not visible, and this information would be needed to tell the two gulls apart.
The prominent features listed so far are shared by both candidates.
What is given by the silhouette is enough to exclude the biplanes.
The specific details in the image confirm a Ford F-150, as the badge reads so.
The badge states the model, but it is too blurred to read.
Their markings are known to vary, and the one here is an intermediate form.
The feeder provides seed, and the bird has a husk in its bill.
The dog wears a collar with a name tag, which tells nothing of its breed.
Species of this genus are hard to identify from a single picture.
The wings show a hint of green, and the throat a hint of red.
Attributes such as the crest and the long tail are visible at once.
A closer look at the annotated scale on the photograph suggests a length of 20 cm.
Nothing in the image contradicts the identification as a Pine Warbler.
I would label this flower a Gazania because of the dark ring at the base of its petals.
The image shows a bird with a black cap and white cheeks, aligning well with the Black-capped Chickadee.
Its streaked breast and yellow rump closely match the characteristics of the Yellow-rumped Warbler.
The V-shaped tail is another attribute that strengthens this identification.
Considering all the attributes above, the most suitable sub-category is the Audi TT RS Coupe 2012.
The cat's coat is silver and spotted, which is consistent with the Egyptian Mau.
The background shows reeds, and the context of a marsh fits a wren.
This feature is not visible in the picture, but nothing contradicts it either.
The overall appearance aligns with that of a Golden Retriever.
While the Bombay shares the black coat, its ears differ from those in the image.
Given the clear view of the engines, we can conclude that the aircraft is an A340-300.
The petals are trumpet-shaped, as is the case in all members of this genus.
The white throat patch, a key trait of this species, is evident.
Based on these characteristics, the prediction is Chuck-will's-widow.
The combination of these features matches the Fox Sparrow and none of the others.
The name of the dealer is printed on the frame of the licence plate.
The long-haired tail is in keeping with the breed standard.
Only the first candidate satisfies all of these points.
The thick bill rules the wren out.
This is the sub-category that agrees with every detail in view.
All of these features can be recognised in the picture.
The rounded nose is consistent with the Cessna 172, as is the high wing.
The label of the bottle says Samoyed.
The traits that matter here are the blue rear and the white belly.
As noted in the first part, the leaves are heart-shaped.
The shape of the eyebrow makes a Bewick Wren the most probable choice.
Even without the colour of the legs, the wing bars would lead us there.
In keeping with this, the lower mandible is orange.
The outlined wing feathers form a scaly pattern.
The listed price on the windscreen is of no use here.
The view given by this angle leaves the belly in shadow.
This information suggests a juvenile bird.
The visual information indicates an adult in breeding plumage.
The attributes described above are shared by two of the candidates.
The textual details on the fuselage read "American Airlines".
The background context, a tidal flat, suggests a wader.
The additional details on the wing settle the matter.
It belongs to a well-known class of fighters with a delta wing.
To determine the true identity of the bird, one would have to see its back.
The hints of rust on the flanks are typical of a female.
The best description of its colour is cinnamon.
The first candidate is described as larger in most field guides.
The accompanying text on the wall is too small to read.
The aforementioned traits leave the Western Gull.
The true species in this group can be told apart by their legs.
The name given to this aircraft by its crews refers to its shape.
The details provided by the close view show a notched bill.
The contrast provided by the dark background makes the outline clear.
The options in this genus are few.
The expected wing shape of a swift is a sickle, which is what is seen.
Prior knowledge of the genus suggests looking at the bill.
A plate beside the plane lists its engines.
One would describe its shape as that of a bell.
The bird in the picture has a grey crown and a white eye ring.
The registration painted on the fuselage reads G-EUPT, and the livery is that of an airline.
A label on the jar says "honey", but the dish itself looks like baklava.
The badge on the grille names Audi, and the text on the trunk reads A4.
This description fits both terns, so the bill colour has to decide.
The breed is often described as wolf-like because of its mask.
The petals match the typical appearance of a foxglove.
From the information visible in the picture, the tail cannot be seen.
The question is whether the wing bars are white or yellow.
The caption font at the bottom of the photo is irrelevant to the species.
The answer depends on the bill shape.
Given the red nape, this is likely a woodpecker.
Based on the visible features, I choose Northern Flicker.
The bird provides food to a chick beside it.
It is given its name by the yellow throat.
The listed candidates differ in the colour of the legs.
The sign behind the cat mentions a veterinary clinic.
As mentioned above, the back is olive.
The known range of the species does not help here.
The image provides a clear view of the engine nacelles.
The lighting in the photo provided enough contrast to see streaks.
The true colour of the mantle is hard to judge in this light.
I notice two engines under the wing, which rules out the four-engine A340.
The correct identification rests on the wing tips.
Several attributes are visible: a hooked bill, a long tail and pale legs.
The traits that I listed point to a vireo.
The given angle hides the underside of the wing.
The hint of yellow on the flanks suggests an immature bird.
A reference to scale is missing, so size is uncertain.
The number plate tells us only the country.
The plant is labelled by a wooden stake that is out of focus.
The car's class, a mid-size sedan, narrows the choice.
The target of its gaze is the feeder on the left.
The text on the tail is too blurred to read.
What we know of its habitat agrees with the reeds in the background.
The annotation-like marks on its wings are black spots.
My final answer is Wilson's Warbler because of the black cap.
The notes of orange on the breast separate it from the similar redstart.
The name painted below the cockpit is that of a city.
According to the badge, it has all-wheel drive.
Its features are consistent with those of a shrike.
The answer is given away by the two-toned bill.
The data plate on the engine is out of view.
The class of the ship cannot be told from the bow alone.
With the bill in mind, we can turn to the legs.
The wall text behind the animal is cut off.
These attributes are present in both candidates.
The given lighting makes the petals look orange.
We have to decide between two very similar warblers.
I know of no other gull with such dark wing tips.
In the text on its side, only the letter K is readable.
The information sign beside the pond is blurred.
The tags on its ears are those of a farm.
The picture gives a clear view of the landing gear.
The definition of the edges is poor, so the streaks blur.
Their names are alike, but the birds are not.
What is known about its moult would help here.
The reference to the logo is only a guess.
The input of light from the window whitens the coat.
The photo is taken from below, which hides the upper wing.
It is stated on the tail that the plane belongs to KLM.
According to its markings, the bird is a first-winter gull.
A list of differences would begin with the bill.
The species differ in the colour of the eye ring.
The hooked bill noted above excludes the finches.
The label of the wine bottle beside the plate reads Rioja.
In this context, the size of the flower matters.
The tail, as noted, is notched.
One candidate is described by its red crown, which is missing here.
The cues given by the tail are ambiguous.
The correct choice must have webbed feet.
The caption burnt into the frame shows a date.
The concept of the two-tone paint is typical of the Fiat 500.
I was struck by the length of the tail.
The prompt reaction of the dog shows that it is young.
The facts visible here are a red bill and grey legs.
The truth is that both look alike from this angle.
The label stitched on the cushion has nothing to do with the cat.
The records of this species in winter are few, but the picture shows summer.
The key difference lies in the beak.
The plane's text is painted in Cyrillic letters.
The cues at hand favour the sparrow.
The bowl's contents are described best as a curry.
The class of the yacht is given by the emblem on its sail.
A hint of an eye stripe is present.
This leaves the answer between two terns.
I already know from the bill that it is no duck.
The ground beneath the bird is bare.
It has been in the sun, and so its colours look faded.
The name tag of the dog hangs below its chin.
The task is made harder by the blur.
As the picture shows, the wings are swept back.
The attributes seen so far agree with the first candidate.
The list of candidates can now be reduced to two.
The prediction follows from the crown and the bill.
The species named first has a longer tail.
Based on the visible details, the grille is that of the newer model.
The facts of its anatomy point to a raptor.
The given sequence of stripes is typical of a zebra.
The image is labelled by its photographer in the corner.
The known difference between the two is the colour of the feet.
The mention of the tail above needs a caveat.
The identity of the bird in the background is unclear.
This matches what one expects of a Manx: no tail.
The instruction panel behind the aircraft is out of focus.
We can conclude that it is a Pug by the curled tail.
The provided perch suits a songbird.
The text states "Quattro", which only this model has.
As the text says 'Lufthansa', it flies for that airline.
""".splitlines()
