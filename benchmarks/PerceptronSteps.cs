// Measures the images per second of Onward.Autodiff's estimators on a perceptron 784-512-512-10 with ReLU and cross-entropy. Prints one
// line: the median of the turns for backpropagation, activity perturbation and weight perturbation, which take turns of a few steps.
// The seconds are the processor's, which on an idle machine are those of a clock: Onward.Autodiff runs on one thread.
// Two builds are compared by their programs in turn: build this file in both checkouts, and run one after the other some ten times.
// dotnet run -c Release benchmarks/PerceptronSteps.cs -- [batch] [turns]
#:project ../src/Onward/Onward.csproj
#:property PublishAot=false

using System.Globalization;
using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Kernels;

const int Steps = 4, Warmup = 10; // steps of a turn; turns in which the compiler is still at work
int batch = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 128;
int turns = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 9;
int[] widths = [784, 512, 512, 10];
Dictionary<string, Tensor<float>> parameters = [];
for (int layer = 1; layer < widths.Length; layer++)
{
    (int inputs, int outputs) = (widths[layer - 1], widths[layer]);
    parameters[$"w{layer}"] = Tensor.Create(Normals((uint)layer, inputs * outputs, 1 / MathF.Sqrt(inputs)), [inputs, outputs]);
    parameters[$"b{layer}"] = Tensor.CreateFromShape<float>([outputs]);
}

DualTensor<float> images = DualTensor.Constant(Normals(100, batch * 784, 1), batch, 784);
int[] labels = [.. Enumerable.Range(0, batch).Select(n => n % 10)];
(string Name, GradientEstimator<float> Estimator)[] rules =
[
    ("BP", new BackpropagationEstimator<float>()),
    ("FG-A", new ActivityPerturbationEstimator<float>(NoiseDistribution.Gaussian, passes: 1, seed: 1)),
    ("FG-W", new WeightPerturbationEstimator<float>(NoiseDistribution.Gaussian, passes: 1, seed: 1)),
];
double[][] seconds = [.. rules.Select(_ => new double[turns])];
uint step = 0;
for (int turn = -Warmup; turn < turns; turn++)
{
    for (int rule = 0; rule < rules.Length; rule++)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        for (int i = 0; i < Steps; i++)
        {
            rules[rule].Estimator.Estimate(parameters, Losses, step++);
        }

        if (turn >= 0)
        {
            seconds[rule][turn] = (Environment.CpuUsage.TotalTime - start).TotalSeconds;
        }
    }
}

Console.WriteLine(string.Join("; ", rules.Zip(seconds, (rule, taken) =>
    FormattableString.Invariant($"{rule.Name} {batch * Steps / taken.Order().ElementAt(turns / 2):F0} images/s"))));

DualTensor<float> Losses(ForwardSweep<float> sweep)
{
    DualTensor<float> hidden = sweep.Affine(sweep.Affine(images, "w1", "b1").Relu(), "w2", "b2").Relu();
    return -sweep.Affine(hidden, "w3", "b3").LogSoftmax(-1).Pick(labels);
}

static float[] Normals(uint draw, int length, float scale)
{
    float[] numbers = new float[length];
    CounterRandom.Normals(new(Seed: 1, RandomPurpose.Data, Step: draw), 0, numbers);
    TensorPrimitives.Multiply(numbers, scale, numbers);
    return numbers;
}
