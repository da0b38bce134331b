namespace Onward.Tests.Layers;

public sealed class GroupedLinearOfOneGroupTests() : AffineLayerTests(AffineDefinition.Grouped(1, 50, patches: 4));

public sealed class GroupedLinearOfThreeChannelsTests() : AffineLayerTests(AffineDefinition.Grouped(5, 3, patches: 4));

public sealed class GroupedLinearOfEightChannelsTests() : AffineLayerTests(AffineDefinition.Grouped(16, 8, patches: 1));

public sealed class GroupedLinearOfSeventeenChannelsTests() : AffineLayerTests(AffineDefinition.Grouped(3, 17, patches: 9));

public sealed class GroupedLinearOfThirtyTwoChannelsTests() : AffineLayerTests(AffineDefinition.Grouped(16, 32, patches: 4));
