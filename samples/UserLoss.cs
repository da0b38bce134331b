// Trains your own network on your own loss without a backward pass: activity perturbation of an MLP with a focal loss, which
// separates two interleaved spirals. Prints the loss as it falls from 0.39 to 0.005, and the accuracy on new points, 99 %.
#:project ../src/Onward/Onward.csproj

using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Kernels;
using Onward.Optimizers;

(DualTensor<float> points, int[] labels) = Spirals(512, draw: 0);
Dictionary<string, Tensor<float>> parameters = [];
foreach ((string layer, int inputs, int outputs) in new[] { ("1", 2, 64), ("2", 64, 64), ("3", 64, 2) })
{
    float[] weight = new float[inputs * outputs];
    CounterRandom.Normals(new(Seed: 1, RandomPurpose.Initialization, Layer: uint.Parse(layer)), 0, weight);
    parameters["w" + layer] = Tensor.Create(weight.Select(w => w / MathF.Sqrt(inputs)).ToArray(), [inputs, outputs]);
    parameters["b" + layer] = Tensor.CreateFromShape<float>([outputs]);
}

ActivityPerturbationEstimator<float> estimator = new(NoiseDistribution.Gaussian, passes: 4, seed: 1);
TensorUpdate update = new(parameters, new Sgd(Momentum: 0, WeightDecay: 0));
for (uint step = 0; step <= 200; step++)
{
    GradientEstimate<float> estimate = estimator.Estimate(parameters, sweep => FocalLoss(Logits(sweep, points), labels), step);
    update.Apply(estimate.Estimates, rate: 0.5);
    Console.Write(step % 50 == 0 ? $"step {step,3}: loss {estimate.Loss:F4}\n" : "");
}

(DualTensor<float> newPoints, int[] newLabels) = Spirals(1000, draw: 1);
Tensor<float> logits = ForwardMode.Evaluate(sweep => Logits(sweep, newPoints), parameters);
Console.WriteLine($"accuracy on new points: {newLabels.Where((y, n) => logits[n, y] > logits[n, 1 - y]).Count() / 1000.0:P1}");

static DualTensor<float> Logits(ForwardSweep<float> sweep, DualTensor<float> x)
{
    DualTensor<float> hidden = sweep.Affine(x, "w1", "b1").Tanh();      // [N, 64]
    hidden = sweep.Affine(hidden.LayerNorm(), "w2", "b2").Relu();       // [N, 64]
    return sweep.Affine(hidden, "w3", "b3");                            // [N, 2]
}

static DualTensor<float> FocalLoss(DualTensor<float> logits, int[] labels)
{
    DualTensor<float> logLikelihood = logits.LogSoftmax(-1).Pick(labels);
    return -(1 - logLikelihood.Exp()).Square() * logLikelihood;         // [N]
}

static (DualTensor<float> Points, int[] Labels) Spirals(int count, uint draw)
{
    float[] points = new float[2 * count];
    CounterRandom.Normals(new(Seed: 1, RandomPurpose.Data, Step: draw), 0, points);
    for (int n = 0; n < count; n++)
    {
        float radius = 3 * (n + 0.5f) / count, angle = (2 * radius) + (n % 2 * MathF.PI);
        points[2 * n] = (0.05f * points[2 * n]) + (radius * MathF.Cos(angle));
        points[(2 * n) + 1] = (0.05f * points[(2 * n) + 1]) + (radius * MathF.Sin(angle));
    }
    return (DualTensor.Constant(points, count, 2), [.. Enumerable.Range(0, count).Select(n => n % 2)]);
}
