// Uses a model after training: saves and loads its file, predicts with early exit, and runs an ONNX file in another runtime.
// Prints the error of the library, 5.5 %, and of ONNX Runtime, 6.4 %, on digits that the program draws. It also prints how many
// predictions each block made.
#:project ../src/Onward.Onnx/Onward.Onnx.csproj
#:package Microsoft.ML.OnnxRuntime

using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Onnx;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

using WorkerTeam team = new(Environment.ProcessorCount);
ImageDataset digits = DigitsSource.Load();
Network trained = LocalMixer.Build(
    new LocalMixerOptions { Blocks = 2, PatchesPerSide = 1, Channels = 256, Groups = 16, ImageSide = 28, ImageChannels = 1, Classes = 10 });
trained.Initialize(seed: 1);
TrainingStep step = new(trained, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes: 1, seed: 1), team);
new Trainer(step, digits, new TrainingOptions { Epochs = 8, LearningRate = 0.03, Seed = 1 }, TimeProvider.System).Run();
string folder = Directory.CreateTempSubdirectory("onward-").FullName;
string file = Path.Combine(folder, "model.safetensors"), onnx = Path.Combine(folder, "model.onnx");
ModelFile.Save(trained, file);
OnnxFile.Save(trained, ImageDescription.Of(digits), onnx);

Network model = ModelFile.Load(file);
model.Pack(team); // into the layout that predictions need
Predictor predictor = new(model, new EarlyExit { Confidence = 0.9 });
float[] probabilities = new float[10];
int images = 0, mistakes = 0;
SortedDictionary<string, int> answers = [];
using BatchLoader test = BatchLoader.ForEvaluation(digits.Test, digits.Mean, digits.StandardDeviation);
foreach (ImageBatch batch in test.InOrder())
{
    for (int n = 0; n < batch.Count; n++, images++)
    {
        int? block = predictor.Predict(batch.Pixels.AsSpan(n * 784, 784), probabilities);
        string who = block is null ? "the readout" : $"block {block}";
        answers[who] = answers.GetValueOrDefault(who) + 1;
        mistakes += probabilities.IndexOf(probabilities.Max()) == batch.Labels[n] ? 0 : 1;
    }
}
string shares = string.Join(", ", answers.Select(answer => $"{answer.Key} ({answer.Value})"));
Console.WriteLine($"{100.0 * mistakes / images:F2} % wrong; answers came from {shares}");

// The ONNX file takes intensities from 0 to 255 and standardises them itself. These digits are not part of the data set.
(byte[] pixels, byte[] labels) = ProceduralDigits.Generate(seed: 7, first: 0, count: 1000);
using InferenceSession session = new(onnx);
DenseTensor<float> input = new(Array.ConvertAll(pixels, pixel => (float)pixel), [1000, 28, 28, 1]);
using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run(
    [NamedOnnxValue.CreateFromTensor(OnnxFile.Input, input)], [OnnxFile.Probabilities]);
Tensor<float> answered = outputs[0].AsTensor<float>();
int wrong = labels.Where((y, n) => Enumerable.Range(0, 10).MaxBy(k => answered[n, k]) != y).Count();
Console.WriteLine($"{wrong / 10.0:F1} % of 1000 new digits wrong in ONNX Runtime");
Directory.Delete(folder, recursive: true);
