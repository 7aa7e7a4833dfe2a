// The checkpoint page starts here.
document.getElementById('app').textContent = document.title
