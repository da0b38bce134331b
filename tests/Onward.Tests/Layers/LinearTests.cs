namespace Onward.Tests.Layers;

public sealed class LinearOfOneInputTests() : AffineLayerTests(AffineDefinition.Linear(1, 5, patches: 4));

public sealed class LinearOfEightToThreeTests() : AffineLayerTests(AffineDefinition.Linear(8, 3, patches: 4));

public sealed class LinearOfWholeTilesTests() : AffineLayerTests(AffineDefinition.Linear(64, 48, patches: 4));

public sealed class LinearOfUnevenTilesTests() : AffineLayerTests(AffineDefinition.Linear(147, 101, patches: 4));

public sealed class LinearOfWholeImagesTests() : AffineLayerTests(AffineDefinition.Linear(784, 32, patches: 1));
