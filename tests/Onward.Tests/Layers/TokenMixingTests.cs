namespace Onward.Tests.Layers;

public sealed class TokenMixingOfOnePatchTests() : AffineLayerTests(AffineDefinition.Token(1, 24));

public sealed class TokenMixingOfFourPatchesTests() : AffineLayerTests(AffineDefinition.Token(4, 50));

public sealed class TokenMixingOfNinePatchesTests() : AffineLayerTests(AffineDefinition.Token(9, 3));

public sealed class TokenMixingOfSixtyFourPatchesTests() : AffineLayerTests(AffineDefinition.Token(64, 32));

public sealed class TokenMixingOfSixtyFourPatchesAndUnevenChannelsTests() : AffineLayerTests(AffineDefinition.Token(64, 21));
