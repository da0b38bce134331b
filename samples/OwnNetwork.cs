// Trains a network of your own layers, a gated filter of windows, on digits that the program draws. A layer is a function of tensors
// that works under every rule: noise or feedback enters where it calls Affine. Prints the error on new digits under eight rules,
// each with one loss at the end and with a loss for each block: 43 and 51 % with weight perturbation, 31 and 32 % with activity
// perturbation, 7 and 7 % with backpropagation, 12 and 10 % with feedback alignment.
#:project ../src/Onward/Onward.csproj

using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Data;
using Onward.Kernels;
using Onward.Optimizers;

const int Batch = 64, Steps = 400;
(string Name, int Inputs, int Outputs)[] shapes =
[
    ("filter", 49, 32), ("gate", 49, 32), ("hidden", 512, 64), ("out", 64, 10), ("head", 512, 10),
];
(DualTensor<float> newImages, int[] newLabels) = Digits(first: 1_000_000, 500);
WeightPerturbationEstimator<float> onWeights = new(NoiseDistribution.Gaussian, passes: 4, seed: 1);
ActivityPerturbationEstimator<float> onActivities = new(NoiseDistribution.Gaussian, passes: 4, seed: 1);
BackpropagationEstimator<float> backprop = new();
FeedbackAlignmentEstimator<float> alignment = new(seed: 1);
(string, GradientEstimator<float>, bool, double)[] rules =
[
    ("FG-W", onWeights, false, 0.01), ("FG-A", onActivities, false, 0.1),
    ("LG-FG-W", onWeights, true, 0.01), ("LG-FG-A", onActivities, true, 0.1),
    ("BP", backprop, false, 0.1), ("LG-BP", backprop, true, 0.1),
    ("FA", alignment, false, 0.1), ("LG-FA", alignment, true, 0.1),
];
foreach ((string name, GradientEstimator<float> estimator, bool local, double rate) in rules)
{
    Dictionary<string, Tensor<float>> parameters = shapes.Index().ToDictionary(
        shape => shape.Item.Name, shape => Normals((uint)shape.Index, shape.Item.Inputs, shape.Item.Outputs));
    TensorUpdate update = new(parameters, new Sgd(Momentum: 0, WeightDecay: 0));
    for (uint step = 0; step < Steps; step++)
    {
        (DualTensor<float> images, int[] labels) = Digits(step * Batch, Batch);
        GradientEstimate<float> estimate = estimator.Estimate(
            parameters, sweep => CrossEntropy(Logits(sweep, images, local ? labels : null), labels), step);
        update.Apply(estimate.Estimates, rate);
    }

    Tensor<float> logits = ForwardMode.Evaluate(sweep => Logits(sweep, newImages, null), parameters);
    int mistakes = newLabels.Where((y, n) => Enumerable.Range(0, 10).MaxBy(k => logits[n, k]) != y).Count();
    Console.WriteLine($"{name,-7}: {100.0 * mistakes / newLabels.Length:F1} % of new digits wrong after {Steps} steps");
}

// Filters the windows [N, 16, 49] of each image, then reads all of them with a hidden layer. Labels give the first block a local loss.
static DualTensor<float> Logits(ForwardSweep<float> sweep, DualTensor<float> windows, int[]? labels)
{
    DualTensor<float> x = GatedFilter(sweep, windows).Reshape(-1, 512).LayerNorm();
    x = labels is null ? x : sweep.EndBlock(x, CrossEntropy(sweep.Affine(x, "head"), labels));
    return sweep.Affine(sweep.Affine(x, "hidden").LayerNorm().Relu(), "out");
}

static DualTensor<float> GatedFilter(ForwardSweep<float> sweep, DualTensor<float> windows) =>
    sweep.Affine(windows, "filter") * sweep.Affine(windows, "gate").Sigmoid(); // [N, 16, 32]

static DualTensor<float> CrossEntropy(DualTensor<float> logits, int[] labels) => -logits.LogSoftmax(-1).Pick(labels);

static Tensor<float> Normals(uint layer, int inputs, int outputs)
{
    float[] weight = new float[inputs * outputs];
    CounterRandom.Normals(new(Seed: 1, RandomPurpose.Initialization, Layer: layer), 0, weight);
    return Tensor.Create(weight.Select(w => w / MathF.Sqrt(inputs)).ToArray(), [inputs, outputs]);
}

static (DualTensor<float> Windows, int[] Labels) Digits(uint first, int count)
{
    (byte[] pixels, byte[] labels) = ProceduralDigits.Generate(1, first, count);
    DualTensor<float> images = DualTensor.Constant(pixels.Select(p => (p - 33f) / 79f).ToArray(), count, 4, 7, 4, 7);
    return (images.Permute(0, 1, 3, 2, 4).Reshape(count, 16, 49), [.. labels.Select(y => (int)y)]);
}
